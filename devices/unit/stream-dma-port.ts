// The way of a bus master to memory: every access through the physical IOMMU, page by
// page, under the stream's physical StreamID (an AMD IOMMU's DeviceID).

import {
  ACCESS_INSTRUCTION,
  ACCESS_NO_SSID,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../assembly/layout/access.ts';
import { SMMU_AT_PARKED } from '../../assembly/layout/smmu-memory.ts';
import { STALL_ABORT, STALL_RAZWI, STALL_WAITING } from '../../assembly/layout/stall-memory.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_RAZWI,
  TRANSLATE_STALLED,
  TRANSLATE_WAIT,
} from '../../assembly/layout/translate-results.ts';
import type {
  SmmuCoreExports,
  TranslateResult,
  VcmdqDrainExports,
} from '../../assembly/unit-exports.ts';
import {
  type AtsCapability,
  checkNames,
  type DmaAttributes,
  type DmaPort,
  type DmaResult,
  isPasid,
} from '../plugin/index.ts';
import { allNamesOf } from '../plugin/known-names.ts';
import type { TranslatingUnit } from './unit.ts';

/** The smallest page: no access in flight crosses one. */
const PAGE = 4096;
/** An MSI is a 32-bit write. */
const MSI_SIZE = 4;

// What one access within a page comes to, beside the bytes that it has moved.
const REFUSED = -1;
const STALLED = -2;

/** ACCESS_* of an access. */
export function accessOf(write: boolean, attributes: DmaAttributes | undefined): number {
  const direction = write ? ACCESS_WRITE : 0;
  if (attributes === undefined) return direction;
  return (
    direction |
    (attributes.privileged ? ACCESS_PRIVILEGED : 0) |
    (attributes.instruction ? ACCESS_INSTRUCTION : 0)
  );
}

/** An access that the IOMMU has stalled. */
interface StalledAccess {
  readonly iova: number;
  readonly ssid: number;
  /** ACCESS_*. */
  readonly access: number;
  readonly stag: number;
}

/** What an IOMMU's unit does for a device. One that never stalls an access has nothing to say about stalls. */
export interface DmaUnit extends TranslatingUnit {
  readonly core: TranslatingUnit['core'] &
    Partial<Pick<SmmuCoreExports, 'stallAnswer' | 'stallAbandon'>>;
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
   */
  write32?(pa: number, data: number): boolean;
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

function isInterrupt({ iova, size }: InterruptPages, address: number): boolean {
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

const STREAM = allNamesOf<DmaStream>({
  unit: true,
  memory: true,
  smmu: true,
  virtSid: true,
  physSid: true,
  interrupts: true,
  ats: true,
  onAccess: true,
});

/** The DMA port of a stream. */
export class StreamDmaPort implements DmaPort {
  readonly streamId: number;
  readonly ats: AtcPort | undefined;
  readonly #stream: DmaStream;
  readonly #host: Uint32Array;
  readonly #stalled: StalledAccess[] = [];

  /** @throws {TypeError} when a stream has nothing of that name. */
  constructor(stream: DmaStream) {
    checkNames(stream, STREAM, 'StreamDmaPort');
    this.streamId = stream.virtSid;
    this.#stream = stream;
    this.ats = stream.ats;
    this.#host = new Uint32Array(stream.unit.hostMemory.buffer);
  }

  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#transfer(iova, target, false, attributes);
  }

  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#transfer(iova, source, true, attributes);
  }

  #transfer(
    iova: number,
    bytes: Uint8Array,
    write: boolean,
    attributes: DmaAttributes | undefined,
  ): DmaResult {
    const { core } = this.#stream.unit;
    const pasid = attributes?.pasid;
    if (pasid !== undefined && !isPasid(pasid)) return { ok: false, done: 0 };
    const ssid = pasid ?? ACCESS_NO_SSID;
    const access = accessOf(write, attributes);
    let done = 0;
    while (done < bytes.length) {
      const at = iova + done;
      const inPage = bytes.subarray(done, done + PAGE - (at % PAGE));
      // In flight from the look-up to the last byte: a CMD_SYNC behind an invalidation of
      // this translation waits for that, and for no more.
      core.accessBegin();
      let moved: number;
      try {
        moved = this.#access(at, inPage, ssid, access);
      } finally {
        // An interrupt controller that throws does not keep every CMD_SYNC of the host waiting.
        core.accessEnd();
      }
      this.#serveParked();
      this.#stream.onAccess?.(at);
      if (moved === STALLED) return { ok: false, done, stalled: true };
      if (moved === REFUSED) return { ok: false, done };
      done += moved;
    }
    return { ok: true, done };
  }

  abandon(): void {
    this.ats?.abandon();
    const { unit, smmu, physSid } = this.#stream;
    for (const { stag } of this.#stalled) unit.core.stallAbandon?.(smmu, physSid, stag);
    this.#stalled.length = 0;
  }

  /** The answer to an access that has stalled; undefined when it is to be translated. */
  #answer(iova: number, ssid: number, access: number): TranslateResult | undefined {
    const { unit, smmu, physSid } = this.#stream;
    const stalled = this.#stalled;
    if (stalled.length === 0) return undefined;
    const index = stalled.findIndex(
      (one) => one.iova === iova && one.ssid === ssid && one.access === access,
    );
    const found = stalled[index];
    if (!found) return undefined;
    const answer = unit.core.stallAnswer?.(smmu, physSid, found.stag);
    if (answer === STALL_WAITING) return TRANSLATE_WAIT;
    stalled.splice(index, 1);
    if (answer === STALL_RAZWI) return TRANSLATE_RAZWI;
    return answer === STALL_ABORT ? TRANSLATE_ABORT : undefined;
  }

  #translate(iova: number, ssid: number, access: number): TranslateResult {
    const { unit, smmu, physSid } = this.#stream;
    const high = Math.floor(iova / 2 ** 32);
    const result = unit.translate(smmu, physSid, ssid, iova | 0, high, access);
    if (result === TRANSLATE_STALLED)
      this.#stalled.push({ iova, ssid, access, stag: unit.threadBlock.stag });
    return result;
  }

  /**
   * One access within a page: bytes moved, REFUSED or STALLED. Privilege and instruction
   * fetches come with a PASID in PCIe: an access that has them without one goes to the
   * IOMMU untranslated, as every access does while ATS is off.
   */
  #access(iova: number, bytes: Uint8Array, ssid: number, access: number): number {
    const { interrupts, memory, unit } = this.#stream;
    const { threadBlock } = unit;
    const write = (access & ACCESS_WRITE) !== 0;
    if (interrupts && ssid === ACCESS_NO_SSID && isInterrupt(interrupts, iova)) {
      const pa = interrupts.pa + iova - interrupts.iova;
      return write && this.#sendMsi(pa, bytes) ? bytes.length : REFUSED;
    }
    const isRequest = ssid !== ACCESS_NO_SSID || (access & ~ACCESS_WRITE) === 0;
    const result =
      isRequest && this.ats?.enabled
        ? this.ats.translate(iova, ssid, access)
        : (this.#answer(iova, ssid, access) ?? this.#translate(iova, ssid, access));
    if (result === TRANSLATE_RAZWI) {
      if (!write) bytes.fill(0);
      return bytes.length;
    }
    if (result === TRANSLATE_STALLED || result === TRANSLATE_WAIT) return STALLED;
    if (result !== TRANSLATE_OK) return REFUSED;
    const address = threadBlock.paAddress;
    const block = 2 ** threadBlock.paLog2size;
    const length = Math.min(bytes.length, block - (address % block));
    const pa = threadBlock.paWindow * 2 ** 32 + address;
    const found = memory.bytes(pa, length);
    if (!found) return write && this.#sendMsi(pa, bytes) ? bytes.length : REFUSED;
    if (write) found.set(bytes.subarray(0, length));
    else bytes.set(found);
    return length;
  }

  /** A 32-bit write to what is no memory; false is an external abort. */
  #sendMsi(pa: number, bytes: Uint8Array): boolean {
    if (bytes.length !== MSI_SIZE) return false;
    const data = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    return this.#stream.memory.write32?.(pa, data) ?? false;
  }

  /** Whoever clears the last obstacle of a CMD_SYNC runs its queue again. */
  #serveParked(): void {
    const { unit, smmu } = this.#stream;
    if (Atomics.load(this.#host, (smmu + SMMU_AT_PARKED) >> 2) !== 0) unit.drain.serveParked(smmu);
  }
}
