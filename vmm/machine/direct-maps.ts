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
 * How long the removal of a map waits for acknowledgements, for all vCPUs together: most vCPUs come to a safe point within microseconds. The
 * VMM's thread serves others after that.
 */
const WAIT_MS = 0.2;
/** By when a vCPU has to come to a safe point behind a removal; its machine fails otherwise. */
const LIMIT_MS = 1000;

/** A removal that vCPUs have yet to acknowledge. */
interface Removal {
  readonly epoch: number;
  readonly since: number;
  readonly vcpus: Set<number>;
}

interface Slot {
  readonly range: DirectRange;
  readonly page: number;
  /** The range is in the table no more. Slot and page are kept for the vCPUs that may still be about to use them. */
  removal?: Removal;
}

export class DirectMaps implements DirectMapper {
  readonly #info: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #vcpus: VcpuStates;
  readonly #nowMs: () => number;
  #slots: (Slot | undefined)[] = [];
  #epoch = 0;
  #doorbells = true;
  /** Slots whose removal is not acknowledged. */
  readonly #removed = new Set<Slot>();

  /** @param nowMs the time, monotonic; of a test. */
  constructor(
    memory: WebAssembly.Memory,
    vcpus: VcpuStates,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#nowMs = nowMs;
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
    const live = taken.filter(({ removal }) => removal === undefined);
    if (
      live.some(
        ({ range: other }) =>
          range.gpa < other.gpa + other.length && other.gpa < range.gpa + range.length,
      )
    )
      return undefined;

    const samePage = live.find(
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
    const slot = this.#slots[index];
    if (slot?.range !== range || slot.removal) return;
    const entry = (ABI_AT_MAPS + index * ABI_MAP_SIZE) >> 2;
    Atomics.store(this.#info, entry + (ABI_MAP_LENGTH >> 2), 0);
    this.#raiseEpoch();
    const since = this.#nowMs();
    const vcpus = new Set(Array.from({ length: this.#vcpus.count }, (_, vcpu) => vcpu));
    slot.removal = { epoch: this.#epoch, since, vcpus };
    this.#removed.add(slot);
    // A whole look at least, however late this thread comes back to it.
    do this.#settle(slot, slot.removal);
    while (slot.removal.vcpus.size > 0 && this.#nowMs() - since < WAIT_MS);
  }

  // Frees the slot when no vCPU may still use its range: each has been outside of guest code, or at a safe point behind the removal.
  #settle(slot: Slot, { epoch, vcpus }: Removal): void {
    for (const vcpu of vcpus) {
      const isPast = () =>
        ((Atomics.load(this.#info, (ABI_AT_MAP_ACK >> 2) + vcpu) - epoch) | 0) >= 0;
      if (!this.#vcpus.inGuest(vcpu) || isPast()) vcpus.delete(vcpu);
    }
    if (vcpus.size > 0) return;
    this.#removed.delete(slot);
    this.#slots[this.#slots.indexOf(slot)] = undefined;
  }

  /**
   * Looks for acknowledgements that are late: at every safe point of the machine.
   * @throws {MachineError} when a vCPU has not come to a safe point in time.
   */
  poll(): void {
    for (const slot of this.#removed) {
      const { removal } = slot;
      if (!removal) continue;
      this.#settle(slot, removal);
      const [vcpu] = removal.vcpus;
      if (vcpu === undefined || this.#nowMs() - removal.since < LIMIT_MS) continue;
      throw new MachineError(
        `guest vCPU ${vcpu}`,
        `no safe point within ${LIMIT_MS} ms after a direct map's removal`,
      );
    }
  }

  /** Forgets every map and clears the table; for a machine whose vCPUs are stopped. */
  reset(): void {
    this.#slots = [];
    this.#removed.clear();
    this.#info.fill(0, ABI_AT_MAPS >> 2, (ABI_AT_MAPS + ABI_MAX_MAPS * ABI_MAP_SIZE) >> 2);
    Atomics.store(this.#info, ABI_AT_MAP_COUNT >> 2, 0);
    this.#raiseEpoch();
  }
}
