// Direct page maps: ranges of device registers that guest memory backs. The table in the
// info page tells the guest's runtime where they lie, as a stage-2 table would
// (docs/guest-abi.md).

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

/**
 * Time that a machine may keep the VMM's thread waiting for its vCPUs' acknowledgements, in all. A
 * vCPU that has lost its processor on a busy computer takes some of it back again; one that never
 * comes, or always late, uses it up, and its machine fails.
 */
const PATIENCE_MS = 1000;
/** What of the time that passes is given back, up to PATIENCE_MS. */
const PATIENCE_REGAINED = 0.01;

interface Slot {
  readonly range: DirectRange;
  readonly page: number;
}

export class DirectMaps implements DirectMapper {
  readonly #info: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #vcpus: VcpuStates;
  readonly #nowMs: () => number;
  #slots: (Slot | undefined)[] = [];
  #epoch = 0;
  #doorbells = true;
  #patienceMs = PATIENCE_MS;
  /** When the last wait ended. */
  #waitedAt: number;

  /** @param nowMs the time, monotonic; of a test. */
  constructor(
    memory: WebAssembly.Memory,
    vcpus: VcpuStates,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#nowMs = nowMs;
    this.#waitedAt = nowMs();
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
   * Whether stores to a range with a doorbell have to ring it: not while the drain runs
   * on a thread of its own. A store that has read the old flag may be on its way; who
   * switches the doorbells on has the drain look once more after that.
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
    const start = this.#nowMs();
    this.#patienceMs = Math.min(
      PATIENCE_MS,
      this.#patienceMs + (start - this.#waitedAt) * PATIENCE_REGAINED,
    );
    for (let vcpu = 0; vcpu < this.#vcpus.count; vcpu++)
      this.#awaitAcknowledged(vcpu, start + this.#patienceMs);
    this.#waitedAt = this.#nowMs();
    this.#patienceMs -= this.#waitedAt - start;
    this.#slots[index] = undefined;
  }

  #awaitAcknowledged(vcpu: number, limit: number): void {
    while (
      this.#vcpus.inGuest(vcpu) &&
      Atomics.load(this.#info, (ABI_AT_MAP_ACK >> 2) + vcpu) !== this.#epoch
    ) {
      if (this.#nowMs() > limit) {
        throw new MachineError(
          `guest vCPU ${vcpu}`,
          "no safe point in time after a direct map's removal: its machine has kept others " +
            `waiting for ${PATIENCE_MS} ms`,
        );
      }
    }
  }

  /** Forgets every map and clears the table; for a machine whose vCPUs are stopped. */
  reset(): void {
    this.#slots = [];
    this.#patienceMs = PATIENCE_MS;
    this.#info.fill(0, ABI_AT_MAPS >> 2, (ABI_AT_MAPS + ABI_MAX_MAPS * ABI_MAP_SIZE) >> 2);
    Atomics.store(this.#info, ABI_AT_MAP_COUNT >> 2, 0);
    this.#raiseEpoch();
  }
}
