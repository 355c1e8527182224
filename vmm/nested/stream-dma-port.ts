// The way of a bus master to memory: every access through the physical IOMMU, page by page, under the stream's physical StreamID (an AMD
// IOMMU's DeviceID).

import { ACCESS_NO_SSID, ACCESS_WRITE } from '../../assembly/layout/access.ts';
import { SMMU_AT_PARKED } from '../../assembly/layout/smmu-memory.ts';
import { STALL_ABORT, STALL_RAZWI, STALL_WAITING } from '../../assembly/layout/stall-memory.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_RAZWI,
  TRANSLATE_STALLED,
  TRANSLATE_WAIT,
} from '../../assembly/layout/translate-results.ts';
import type { SmmuCoreExports, TranslateResult, VcmdqDrainExports } from '../../assembly/load.ts';
import { offsetOfGpa } from '../../devices/bus/index.ts';
import type { DmaPort, DmaResult } from '../../devices/plugin/index.ts';
import type { TranslatingUnit } from '../../devices/unit/index.ts';
import type { HostRam } from '../../host/hardware/host-ram.ts';
import type { Vm } from '../../host/kernel/vm.ts';
import type { AtsEndpoint } from './ats-endpoint.ts';

/** The smallest page: no access in flight crosses one. */
const PAGE = 4096;

// What one access within a page comes to, beside the bytes that it has moved.
const REFUSED = -1;
const STALLED = -2;

/** What an IOMMU's unit does for a device. One that never stalls an access has nothing to say about stalls. */
export interface DmaUnit extends TranslatingUnit {
  readonly core: TranslatingUnit['core'] &
    Partial<Pick<SmmuCoreExports, 'stallAnswer' | 'stallAbandon'>>;
  readonly drain: Pick<VcmdqDrainExports, 'serveParked'>;
}

export interface DmaStream {
  readonly vm: Vm<DmaUnit>;
  readonly ram: HostRam;
  /** Byte offset of the SMMU block in host memory. */
  readonly smmu: number;
  /** StreamID as the guest numbers it, and as the physical SMMU does. */
  readonly virtSid: number;
  readonly physSid: number;
  /** Absent: the IOMMU has no ATS. */
  readonly ats?: AtsEndpoint | undefined;
  /** Called behind each access within a page. */
  readonly onAccess?: ((iova: number) => void) | undefined;
}

export class StreamDmaPort implements DmaPort {
  readonly streamId: number;
  readonly ats: AtsEndpoint | undefined;
  readonly #stream: DmaStream;
  readonly #host: Uint32Array;
  readonly #guest: Uint8Array;
  /** STAG by iova of the accesses that have stalled: reads, writes. */
  readonly #stalled: readonly [Map<number, number>, Map<number, number>] = [new Map(), new Map()];

  constructor(stream: DmaStream) {
    this.streamId = stream.virtSid;
    this.#stream = stream;
    this.ats = stream.ats;
    this.#host = new Uint32Array(stream.vm.unit.hostMemory.buffer);
    this.#guest = new Uint8Array(stream.vm.memory.buffer);
  }

  read(iova: number, target: Uint8Array): DmaResult {
    return this.#transfer(iova, target, false);
  }

  write(iova: number, source: Uint8Array): DmaResult {
    return this.#transfer(iova, source, true);
  }

  #transfer(iova: number, bytes: Uint8Array, write: boolean): DmaResult {
    const { core } = this.#stream.vm.unit;
    let done = 0;
    while (done < bytes.length) {
      const at = iova + done;
      const inPage = bytes.subarray(done, done + PAGE - (at % PAGE));
      // In flight from the look-up to the last byte: a CMD_SYNC behind an invalidation of this translation waits for that, and for no more.
      core.accessBegin();
      const moved = this.#access(at, inPage, write);
      core.accessEnd();
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
    const { vm, smmu, physSid } = this.#stream;
    for (const stalled of this.#stalled) {
      for (const stag of stalled.values()) vm.unit.core.stallAbandon?.(smmu, physSid, stag);
      stalled.clear();
    }
  }

  /** The answer to an access that has stalled; undefined when it is to be translated. */
  #answer(iova: number, write: boolean): TranslateResult | undefined {
    const { vm, smmu, physSid } = this.#stream;
    const stalled = this.#stalled[write ? 1 : 0];
    const stag = stalled.size === 0 ? undefined : stalled.get(iova);
    if (stag === undefined) return undefined;
    const answer = vm.unit.core.stallAnswer?.(smmu, physSid, stag);
    if (answer === STALL_WAITING) return TRANSLATE_WAIT;
    stalled.delete(iova);
    if (answer === STALL_RAZWI) return TRANSLATE_RAZWI;
    return answer === STALL_ABORT ? TRANSLATE_ABORT : undefined;
  }

  #translate(iova: number, write: boolean): TranslateResult {
    const { vm, smmu, physSid } = this.#stream;
    const { unit } = vm;
    const result = unit.translate(
      smmu,
      physSid,
      ACCESS_NO_SSID,
      iova | 0,
      Math.floor(iova / 2 ** 32),
      write ? ACCESS_WRITE : 0,
    );
    if (result === TRANSLATE_STALLED) this.#stalled[write ? 1 : 0].set(iova, unit.threadBlock.stag);
    return result;
  }

  /** One access within a page: bytes moved, REFUSED or STALLED. */
  #access(iova: number, bytes: Uint8Array, write: boolean): number {
    const { threadBlock } = this.#stream.vm.unit;
    const result = this.ats?.enabled
      ? this.ats.translate(iova, write)
      : (this.#answer(iova, write) ?? this.#translate(iova, write));
    if (result === TRANSLATE_RAZWI) {
      if (!write) bytes.fill(0);
      return bytes.length;
    }
    if (result === TRANSLATE_STALLED || result === TRANSLATE_WAIT) return STALLED;
    if (result !== TRANSLATE_OK) return REFUSED;
    const address = threadBlock.paAddress;
    const block = 2 ** threadBlock.paLog2size;
    const length = Math.min(bytes.length, block - (address % block));
    const memory = this.#memory(threadBlock.paWindow, address, length);
    if (!memory) return REFUSED;
    if (write) memory.set(bytes.subarray(0, length));
    else bytes.set(memory);
    return length;
  }

  /** Memory behind a PA; undefined is an external abort. */
  #memory(window: number, address: number, length: number): Uint8Array | undefined {
    const { vm, ram } = this.#stream;
    if (window === 0) return ram.bytes(address, length);
    const offset = window === vm.window ? offsetOfGpa(vm.regions, address, length) : -1;
    return offset < 0 ? undefined : this.#guest.subarray(offset, offset + length);
  }

  /** Whoever clears the last obstacle of a CMD_SYNC runs its queue again. */
  #serveParked(): void {
    const { vm, smmu } = this.#stream;
    if (Atomics.load(this.#host, (smmu + SMMU_AT_PARKED) >> 2) !== 0)
      vm.unit.drain.serveParked(smmu);
  }
}
