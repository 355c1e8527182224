// The way of a bus master to memory: every access through the physical SMMU, page by page, under the stream's physical StreamID.

import { SMMU_AT_PARKED, THREAD_PA, THREAD_PA_SIZE } from '../../assembly/layout/host-memory.ts';
import { ACCESS_WRITE, TRANSLATE_OK, TRANSLATE_RAZWI } from '../../assembly/load.ts';
import type { DmaPort, DmaResult } from '../../devices/plugin/index.ts';
import { offsetOfGpa } from '../machine/index.ts';
import type { HostRam } from './host-ram.ts';
import type { Vm } from './vm.ts';

/** The smallest page: no access in flight crosses one. */
const PAGE = 4096;

export interface DmaStream {
  readonly vm: Vm;
  readonly ram: HostRam;
  /** Byte offset of the SMMU block in host memory. */
  readonly smmu: number;
  /** StreamID as the guest numbers it, and as the physical SMMU does. */
  readonly virtSid: number;
  readonly physSid: number;
}

export class StreamDmaPort implements DmaPort {
  readonly streamId: number;
  readonly #stream: DmaStream;
  readonly #host: Uint32Array;
  readonly #guest: Uint8Array;

  constructor(stream: DmaStream) {
    this.streamId = stream.virtSid;
    this.#stream = stream;
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
      if (moved < 0) return { ok: false, done };
      done += moved;
    }
    return { ok: true, done };
  }

  /** One access within a page; bytes moved, -1 when it was refused. */
  #access(iova: number, bytes: Uint8Array, write: boolean): number {
    const { vm, smmu, physSid } = this.#stream;
    const { core, threadBlock } = vm.unit;
    const result = core.translate(smmu, physSid, -1, iova | 0, Math.floor(iova / 2 ** 32), write ? ACCESS_WRITE : 0);
    if (result === TRANSLATE_RAZWI) {
      if (!write) bytes.fill(0);
      return bytes.length;
    }
    if (result !== TRANSLATE_OK) return -1;
    const address = this.#host[(threadBlock + THREAD_PA) >> 2] ?? 0;
    const window = this.#host[(threadBlock + THREAD_PA + 4) >> 2] ?? 0;
    const block = 2 ** (this.#host[(threadBlock + THREAD_PA_SIZE) >> 2] ?? 0);
    const length = Math.min(bytes.length, block - (address % block));
    const memory = this.#memory(window, address, length);
    if (!memory) return -1;
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
    if (Atomics.load(this.#host, (smmu + SMMU_AT_PARKED) >> 2) !== 0) vm.unit.drain.serveParked(smmu);
  }
}
