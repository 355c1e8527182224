// SPDX-License-Identifier: MIT
// Direct maps: ranges of device registers that are backed by guest memory, as by a
// stage-2 table. The guest defines how vCPUs are told of them (`DirectMapTable`).

import type { DirectMapper, DirectRange } from '../../devices/bus/index.ts';
import { type DirectMap, MachineError } from '../../devices/plugin/index.ts';
import type { DirectMapTable } from '../vcpu/index.ts';

/** The states of vCPUs that unmapping depends on. */
export interface VcpuStates {
  readonly count: number;
  /**
   * True while the vCPU runs guest code; one that is stopped or at an exit uses no map.
   */
  inGuest(vcpu: number): boolean;
}

/**
 * How long the removal of a map waits for acknowledgements, for all vCPUs together: most
 * vCPUs reach a safe point within microseconds. After that, the VMM's thread serves
 * others.
 */
const WAIT_MS = 0.2;
/**
 * Time limit for a vCPU to reach a safe point after a removal; after that its machine
 * fails.
 */
const LIMIT_MS = 1000;

/** A removal that vCPUs still have to acknowledge. */
interface Removal {
  readonly announcement: number;
  readonly since: number;
  readonly vcpus: Set<number>;
}

interface Slot {
  readonly range: DirectRange;
  /** Byte offset in guest memory. */
  readonly page: number;
  /**
   * Set when the range was removed from the table. Slot and page are kept for vCPUs that
   * may still be about to use them.
   */
  removal?: Removal;
}

export class DirectMaps implements DirectMapper {
  readonly #table: DirectMapTable;
  readonly #bytes: Uint8Array;
  readonly #vcpus: VcpuStates;
  readonly #nowMs: () => number;
  #slots: (Slot | undefined)[] = [];
  #doorbells = true;
  /** Slots whose removal has not been acknowledged by all vCPUs. */
  readonly #removed = new Set<Slot>();

  /** @param nowMs the time, monotonic; replaced in tests. */
  constructor(
    memory: WebAssembly.Memory,
    table: DirectMapTable,
    vcpus: VcpuStates,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#nowMs = nowMs;
    this.#table = table;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#vcpus = vcpus;
  }

  /**
   * Backs a range with zeroed guest memory. Ranges of one page share its backing page.
   * @returns undefined when there is no page or table slot left, or the range overlaps a
   *   mapped one or leaves its page.
   */
  map(range: DirectRange): DirectMap | undefined {
    const { pageSize } = this.#table;
    const inPage = range.gpa % pageSize;
    if (range.length <= 0 || inPage + range.length > pageSize) return undefined;
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
      ({ range: other }) => other.gpa - (other.gpa % pageSize) === range.gpa - inPage,
    );
    const page = samePage?.page ?? this.#freePage(taken);
    const index = Array.from({ length: this.#table.size }, (_, i) => i).find(
      (i) => this.#slots[i] === undefined,
    );
    if (page === undefined || index === undefined) return undefined;

    const memoryOffset = page + inPage;
    this.#bytes.fill(0, memoryOffset, memoryOffset + range.length);
    this.#slots[index] = { range, page };
    const { gpa, length, doorbell } = range;
    const rings = doorbell !== undefined && this.#doorbells;
    this.#table.set(index, { gpa, length, memoryOffset, doorbell, rings });
    this.#table.announce();
    return { memoryOffset, unmap: () => this.#unmap(index, range) };
  }

  #freePage(taken: readonly Slot[]): number | undefined {
    const used = new Set(taken.map(({ page }) => page));
    return this.#table.pages.find((page) => !used.has(page));
  }

  /**
   * Sets whether stores to a range with a doorbell have to ring it: not while the drain
   * has its own thread. A store that has read the old flag may still be in progress, so
   * the drain has to check its queues once more after the doorbells were switched on.
   */
  setDoorbells(needed: boolean): void {
    this.#doorbells = needed;
    this.#slots.forEach((slot, index) => {
      if (slot && !slot.removal && slot.range.doorbell !== undefined)
        this.#table.setRinging(index, needed);
    });
  }

  #unmap(index: number, range: DirectRange): void {
    const slot = this.#slots[index];
    if (slot?.range !== range || slot.removal) return;
    this.#table.clear(index);
    const announcement = this.#table.announce();
    const since = this.#nowMs();
    const vcpus = new Set(Array.from({ length: this.#vcpus.count }, (_, vcpu) => vcpu));
    slot.removal = { announcement, since, vcpus };
    this.#removed.add(slot);
    // At least one complete check, even if this thread was delayed.
    do this.#freeIfUnused(slot, slot.removal);
    while (slot.removal.vcpus.size > 0 && this.#nowMs() - since < WAIT_MS);
  }

  // Frees the slot when no vCPU can use its range any more: each has been outside guest
  // code, or at a safe point after the removal.
  #freeIfUnused(slot: Slot, { announcement, vcpus }: Removal): void {
    for (const vcpu of vcpus)
      if (!this.#vcpus.inGuest(vcpu) || this.#table.hasSeen(vcpu, announcement)) vcpus.delete(vcpu);
    if (vcpus.size > 0) return;
    this.#removed.delete(slot);
    this.#slots[this.#slots.indexOf(slot)] = undefined;
  }

  /**
   * Checks for late acknowledgements, at every safe point of the machine.
   * @throws {MachineError} when a vCPU has not reached a safe point in time.
   */
  poll(): void {
    for (const slot of this.#removed) {
      const { removal } = slot;
      if (!removal) continue;
      this.#freeIfUnused(slot, removal);
      const [vcpu] = removal.vcpus;
      if (vcpu === undefined || this.#nowMs() - removal.since < LIMIT_MS) continue;
      throw new MachineError(
        `guest vCPU ${vcpu}`,
        `no safe point within ${LIMIT_MS} ms after a direct map's removal`,
      );
    }
  }

  /** Removes every map and clears the table, for a machine whose vCPUs are stopped. */
  reset(): void {
    this.#slots = [];
    this.#removed.clear();
    this.#table.reset();
  }
}
