// Direct page maps: ranges of device registers that guest memory backs. The table in the info page tells the guest's runtime where they
// lie, as a stage-2 table would (docs/guest-abi.md).

import {
  ABI_AT_MAP_ACK,
  ABI_AT_MAP_COUNT,
  ABI_AT_MAP_EPOCH,
  ABI_AT_MAPS,
  ABI_DIRECT_PAGE_COUNT,
  ABI_DIRECT_PAGES,
  ABI_MAP_DOORBELL,
  ABI_MAP_FLAG_DOORBELL,
  ABI_MAP_FLAGS,
  ABI_MAP_GPA,
  ABI_MAP_LENGTH,
  ABI_MAP_OFFSET,
  ABI_MAP_SIZE,
  ABI_MAX_MAPS,
  ABI_PAGE_SIZE,
} from '../../assembly/layout/guest-abi.ts';
import type { DirectMapper, DirectRange } from '../../devices/bus/index.ts';
import { type DirectMap, MachineError } from '../../devices/plugin/index.ts';

/** What unmapping has to know about the vCPUs. */
export interface VcpuStates {
  readonly count: number;
  /** True while the vCPU runs guest code; one that is stopped or at an exit uses no map. */
  inGuest(vcpu: number): boolean;
}

/** How long unmapping waits for a vCPU to reach a safe point. */
const ACKNOWLEDGE_LIMIT_MS = 100;

interface Slot {
  readonly range: DirectRange;
  readonly page: number;
}

export class DirectMaps implements DirectMapper {
  readonly #info: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #vcpus: VcpuStates;
  #slots: (Slot | undefined)[] = [];
  #epoch = 0;
  #doorbells = true;

  constructor(memory: WebAssembly.Memory, vcpus: VcpuStates) {
    this.#info = new Int32Array(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#vcpus = vcpus;
  }

  /**
   * Backs a range with zeroed guest memory. Ranges of one 64 KiB page share its backing page.
   * @returns undefined when no page or table slot is left, or the range overlaps a mapped one or leaves its page.
   */
  map(range: DirectRange): DirectMap | undefined {
    const inPage = range.gpa % ABI_PAGE_SIZE;
    if (range.length <= 0 || inPage + range.length > ABI_PAGE_SIZE) return undefined;
    const taken = this.#slots.filter((slot) => slot !== undefined);
    if (
      taken.some(
        ({ range: other }) =>
          range.gpa < other.gpa + other.length && other.gpa < range.gpa + range.length,
      )
    )
      return undefined;

    const samePage = taken.find(
      ({ range: other }) => other.gpa - (other.gpa % ABI_PAGE_SIZE) === range.gpa - inPage,
    );
    const page = samePage?.page ?? this.#freePage(taken);
    const index = Array.from({ length: ABI_MAX_MAPS }, (_, i) => i).find(
      (i) => this.#slots[i] === undefined,
    );
    if (page === undefined || index === undefined) return undefined;

    const memoryOffset = ABI_DIRECT_PAGES + page * ABI_PAGE_SIZE + inPage;
    this.#bytes.fill(0, memoryOffset, memoryOffset + range.length);
    this.#slots[index] = { range, page };
    this.#write(index, memoryOffset, range);
    this.#raiseEpoch();
    return { memoryOffset, unmap: () => this.#unmap(index, range) };
  }

  #freePage(taken: readonly Slot[]): number | undefined {
    const used = new Set(taken.map(({ page }) => page));
    return Array.from({ length: ABI_DIRECT_PAGE_COUNT }, (_, i) => i).find(
      (page) => !used.has(page),
    );
  }

  /**
   * Whether stores to a range with a doorbell have to ring it: not while the drain runs on a thread of its own. A store that has read the old
   * flag may be on its way; who switches the doorbells on has the drain look once more after that.
   */
  setDoorbells(needed: boolean): void {
    this.#doorbells = needed;
    this.#slots.forEach((slot, index) => {
      if (slot)
        Atomics.store(
          this.#info,
          (ABI_AT_MAPS + index * ABI_MAP_SIZE + ABI_MAP_FLAGS) >> 2,
          this.#flags(slot.range),
        );
    });
  }

  #flags({ doorbell }: DirectRange): number {
    return doorbell !== undefined && this.#doorbells ? ABI_MAP_FLAG_DOORBELL : 0;
  }

  /** The length goes last: it is what makes the entry valid. */
  #write(index: number, memoryOffset: number, range: DirectRange): void {
    const entry = (ABI_AT_MAPS + index * ABI_MAP_SIZE) >> 2;
    this.#info[entry + (ABI_MAP_GPA >> 2)] = range.gpa;
    this.#info[entry + (ABI_MAP_OFFSET >> 2)] = memoryOffset;
    this.#info[entry + (ABI_MAP_FLAGS >> 2)] = this.#flags(range);
    this.#info[entry + (ABI_MAP_DOORBELL >> 2)] = range.doorbell ?? 0;
    Atomics.store(this.#info, entry + (ABI_MAP_LENGTH >> 2), range.length);
    Atomics.store(this.#info, ABI_AT_MAP_COUNT >> 2, this.#slots.length);
  }

  #raiseEpoch(): void {
    this.#epoch = (this.#epoch + 1) | 0;
    Atomics.store(this.#info, ABI_AT_MAP_EPOCH >> 2, this.#epoch);
  }

  #unmap(index: number, range: DirectRange): void {
    if (this.#slots[index]?.range !== range) return;
    const entry = (ABI_AT_MAPS + index * ABI_MAP_SIZE) >> 2;
    Atomics.store(this.#info, entry + (ABI_MAP_LENGTH >> 2), 0);
    this.#raiseEpoch();
    for (let vcpu = 0; vcpu < this.#vcpus.count; vcpu++) this.#awaitAcknowledged(vcpu);
    this.#slots[index] = undefined;
  }

  #awaitAcknowledged(vcpu: number): void {
    const limit = performance.now() + ACKNOWLEDGE_LIMIT_MS;
    while (
      this.#vcpus.inGuest(vcpu) &&
      Atomics.load(this.#info, (ABI_AT_MAP_ACK >> 2) + vcpu) !== this.#epoch
    ) {
      if (performance.now() > limit) {
        throw new MachineError(
          `guest vCPU ${vcpu}`,
          `no safe point within ${ACKNOWLEDGE_LIMIT_MS} ms of a direct map's removal`,
        );
      }
    }
  }

  /** Forgets every map and clears the table; for a machine whose vCPUs are stopped. */
  reset(): void {
    this.#slots = [];
    this.#info.fill(0, ABI_AT_MAPS >> 2, (ABI_AT_MAPS + ABI_MAX_MAPS * ABI_MAP_SIZE) >> 2);
    Atomics.store(this.#info, ABI_AT_MAP_COUNT >> 2, 0);
    this.#raiseEpoch();
  }
}
