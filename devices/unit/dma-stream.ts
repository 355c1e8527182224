// SPDX-License-Identifier: MIT
// An IOMMU's stream from the view of its DMA port: its translating unit, the memory that
// accesses reach, and their attributes.

import {
  ACCESS_ATOMIC,
  ACCESS_INSTRUCTION,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../assembly/layout/access.ts';
import type {
  SmmuCoreExports,
  TranslateResult,
  VcmdqDrainExports,
} from '../../assembly/unit-exports.ts';
import type { AtsCapability, DmaAttributes } from '../plugin/index.ts';
import {
  callback,
  checkedLater,
  flag,
  having,
  havingSome,
  type OptionKinds,
  objectOf,
  uint,
  uint32,
} from '../plugin/option-kinds.ts';
import type { TranslatingUnit } from './unit.ts';

/** ACCESS_* of an access. */
export function accessOf(write: boolean, attributes: DmaAttributes | undefined): number {
  const direction = write ? ACCESS_WRITE : 0;
  if (attributes === undefined) return direction;
  return (
    direction |
    (attributes.privileged ? ACCESS_PRIVILEGED : 0) |
    (attributes.instruction ? ACCESS_INSTRUCTION : 0) |
    (write && attributes.atomic ? ACCESS_ATOMIC : 0)
  );
}

/**
 * Functions of an IOMMU's unit for a device. A unit that never stalls an access lacks the
 * functions for stalls; one without `translateSegments` translates page by page.
 */
export interface DmaUnit extends TranslatingUnit {
  readonly core: TranslatingUnit['core'] &
    Partial<
      Pick<SmmuCoreExports, 'translateSegments' | 'stallAnswer' | 'stallAbandon' | 'pageHint'>
    >;
  readonly drain: Pick<VcmdqDrainExports, 'serveParked'>;
}

/**
 * The memory that DMA reaches, by physical address: the part of the VMM's memory map that
 * devices see.
 */
export interface PhysicalMemory {
  /**
   * The bytes of a range, not a copy; undefined unless all of it is memory.
   * @param pa below 2^48.
   */
  bytes(pa: number, length: number): Uint8Array | undefined;
  /**
   * A 32-bit write where there is no memory: an MSI to a doorbell. False, or absence of
   * this function, means an external abort.
   * @param streamId of the device, as numbered by its guest: an ITS identifies the device
   *   by it.
   */
  write32?(pa: number, data: number, streamId: number): boolean;
}

/**
 * The ATC of a device, in front of an SMMU: its ATS capability, and its cached
 * translations.
 */
export interface AtcPort extends AtsCapability {
  /** True when accesses go through the ATC. */
  readonly enabled: boolean;
  /**
   * Like `Unit.translate`, for an access within its page; TRANSLATE_WAIT while it waits
   * for a page.
   */
  translate(iova: number, ssid: number, access: number): TranslateResult;
  /** Drops the accesses that wait for pages. */
  abandon(): void;
}

/**
 * Addresses of a stream that the IOMMU does not translate because they are interrupts,
 * and their physical addresses.
 */
export interface InterruptPages {
  readonly iova: number;
  /** Bytes. */
  readonly size: number;
  /** PA of the first. */
  readonly pa: number;
}

/** True when an address is an interrupt's. */
export function isInterrupt({ iova, size }: InterruptPages, address: number): boolean {
  return address >= iova && address - iova < size;
}

/**
 * A stream of an IOMMU: the unit that translates for a device, and the memory that its
 * accesses reach.
 */
export interface DmaStream {
  /** Translates for the stream. */
  readonly unit: DmaUnit;
  readonly memory: PhysicalMemory;
  /** Byte offset of the SMMU block in host memory. */
  readonly smmu: number;
  /** StreamID as numbered by the guest, and by the physical SMMU. */
  readonly virtSid: number;
  readonly physSid: number;
  /**
   * Addresses at which accesses without a PASID are interrupts; absent when there are
   * none.
   */
  readonly interrupts?: InterruptPages | undefined;
  /** Absent: the IOMMU has no ATS. */
  readonly ats?: AtcPort | undefined;
  /** Called after each access within a page. */
  readonly onAccess?: ((iova: number) => void) | undefined;
}

/** What a stream is built from. */
export const STREAM: OptionKinds<DmaStream> = {
  unit: having('translate'),
  memory: havingSome(['bytes'], ['write32']),
  smmu: uint32,
  virtSid: uint32,
  physSid: uint32,
  interrupts: objectOf<InterruptPages>({ iova: uint, size: uint, pa: uint }, [
    'iova',
    'size',
    'pa',
  ]),
  ats: having('configure', 'translate', 'abandon'),
  onAccess: callback,
};

/** Attributes of an access. */
export const ATTRIBUTES: OptionKinds<DmaAttributes> = {
  // Not checked for 20 bits: an access with a larger PASID is refused, as the
  // architecture defines.
  pasid: checkedLater,
  privileged: flag,
  instruction: flag,
  atomic: flag,
};
