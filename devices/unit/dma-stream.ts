// SPDX-License-Identifier: MIT
// A stream of an IOMMU as its DMA port sees it: who translates, what accesses reach, and what they carry.

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
 * What an IOMMU's unit does for a device. One that never stalls an access has nothing to say about
 * stalls; one without `translateSegments` is asked page by page.
 */
export interface DmaUnit extends TranslatingUnit {
  readonly core: TranslatingUnit['core'] &
    Partial<
      Pick<SmmuCoreExports, 'translateSegments' | 'stallAnswer' | 'stallAbandon' | 'pageHint'>
    >;
  readonly drain: Pick<VcmdqDrainExports, 'serveParked'>;
}

/** What DMA reaches, by physical address: the VMM's memory map, as far as devices see it. */
export interface PhysicalMemory {
  /**
   * The bytes of a range, themselves and no copy; undefined where not all of it is memory.
   * @param pa below 2^48.
   */
  bytes(pa: number, length: number): Uint8Array | undefined;
  /**
   * A 32-bit write where there is no memory: an MSI to a doorbell. False, or without this
   * function, it is an external abort.
   * @param streamId of the device, as its guest numbers it: an ITS knows the device by it.
   */
  write32?(pa: number, data: number, streamId: number): boolean;
}

/** The ATC of a device behind an SMMU: its ATS capability, and the translations that it keeps. */
export interface AtcPort extends AtsCapability {
  /** Whether accesses go through the ATC. */
  readonly enabled: boolean;
  /** As `Unit.translate`, for an access within its page; TRANSLATE_WAIT while it waits for a page. */
  translate(iova: number, ssid: number, access: number): TranslateResult;
  /** The accesses that wait for pages are given up. */
  abandon(): void;
}

/** Addresses of a stream that are interrupts and that the IOMMU does not translate, and what they mean. */
export interface InterruptPages {
  readonly iova: number;
  /** Bytes. */
  readonly size: number;
  /** PA of the first. */
  readonly pa: number;
}

/** Whether an address is an interrupt's. */
export function isInterrupt({ iova, size }: InterruptPages, address: number): boolean {
  return address >= iova && address - iova < size;
}

/** A stream of an IOMMU: what translates for a device, and what its accesses reach. */
export interface DmaStream {
  /** Translates for the stream. */
  readonly unit: DmaUnit;
  readonly memory: PhysicalMemory;
  /** Byte offset of the SMMU block in host memory. */
  readonly smmu: number;
  /** StreamID as the guest numbers it, and as the physical SMMU does. */
  readonly virtSid: number;
  readonly physSid: number;
  /** Addresses whose accesses without a PASID are interrupts; absent: none are. */
  readonly interrupts?: InterruptPages | undefined;
  /** Absent: the IOMMU has no ATS. */
  readonly ats?: AtcPort | undefined;
  /** Called behind each access within a page. */
  readonly onAccess?: ((iova: number) => void) | undefined;
}

/** What a stream is made of. */
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

/** What an access may carry. */
export const ATTRIBUTES: OptionKinds<DmaAttributes> = {
  // Of 20 bits or not: an access with another is refused, as the architecture has it.
  pasid: checkedLater,
  privileged: flag,
  instruction: flag,
  atomic: flag,
};
