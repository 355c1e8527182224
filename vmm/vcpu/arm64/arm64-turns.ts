// SPDX-License-Identifier: MIT
// Chooses which of the vCPUs that share a thread runs next. In a round each of them may
// execute the instructions of one turn, in the order of their numbers. A vCPU whose wait
// ends runs at once, and the vCPU that it interrupts keeps the rest of its turn. So a
// wait costs no other vCPU a turn, and vCPUs that wait often cannot starve the others.

import type { VcpuState } from '../vcpu.ts';

/** What takes turns. */
export interface TurnTaker {
  /** From 0, its place in the order. */
  readonly index: number;
}

/** Queries about the vCPUs for the choice of one. */
export interface TurnQueries<V> {
  /** True when it has something to execute. This ends a wait that is due. */
  wakes(vcpu: V): boolean;
  /** True when it waits until a time that has come. */
  isDue(vcpu: V): boolean;
}

export class Arm64Turns<V extends TurnTaker> {
  readonly #vcpus: readonly [V, ...V[]];
  readonly #length: number;
  /**
   * Instructions that each has left in this round; negative if a turn has overrun its
   * end.
   */
  readonly #left: number[];
  /** The vCPU whose turn it is in the order. */
  #turn: V;
  /** Those that run before it because their waits have ended, the last one first. */
  #woken: readonly V[] = [];
  /** The vCPU that runs, or ran last. */
  #current: V;
  /** It cannot simply continue. */
  #isOver = false;

  /** @param length instructions of a turn. */
  constructor(vcpus: readonly [V, ...V[]], length: number) {
    this.#vcpus = vcpus;
    this.#length = length;
    this.#left = vcpus.map(() => length);
    [this.#turn] = vcpus;
    this.#current = this.#turn;
  }

  /** The vCPU that runs, or ran last. */
  get current(): V {
    return this.#current;
  }

  /** Instructions that it has left in this round. */
  get left(): number {
    return this.#left[this.#current.index] ?? 0;
  }

  /** Starts a round with the first vCPU's turn. */
  reset(): void {
    [this.#turn] = this.#vcpus;
    this.#current = this.#turn;
    this.#woken = [];
    this.#isOver = false;
    this.#left.fill(this.#length);
  }

  /**
   * Accounts instructions executed by `current`.
   * @param isOver it cannot simply continue: it waits, is off, or another one may have to
   *   run first.
   */
  spend(instructions: number, isOver: boolean): void {
    this.#left[this.#current.index] = this.left - instructions;
    this.#isOver = isOver;
  }

  /** The vCPU that runs now; undefined when none has anything to execute. */
  next(queries: TurnQueries<V>): V | undefined {
    if (!this.#isOver && queries.wakes(this.#current)) return this.#current;
    this.#interrupt(queries);
    const chosen = this.#firstWoken(queries) ?? this.#firstInOrder(queries);
    this.#isOver = chosen === undefined;
    if (chosen) this.#current = chosen;
    return chosen;
  }

  /** The vCPUs in order, starting `behind` places after the one whose turn it is. */
  #order(behind: number): readonly V[] {
    const first = (this.#turn.index + behind) % this.#vcpus.length;
    return [...this.#vcpus.slice(first), ...this.#vcpus.slice(0, first)];
  }

  #hasLeft({ index }: V): boolean {
    return (this.#left[index] ?? 0) > 0;
  }

  /**
   * Those whose waits end now come first. One that has had its turn waits for the next
   * round.
   */
  #interrupt({ wakes, isDue }: TurnQueries<V>): void {
    // Ends the wait of each, even of one that has nothing left in this round.
    const due = this.#order(1).filter((vcpu) => isDue(vcpu) && wakes(vcpu) && this.#hasLeft(vcpu));
    if (due.length === 0) return;
    const others = this.#woken.filter((vcpu) => !due.includes(vcpu));
    this.#woken = [...others, ...due.reverse()];
  }

  #firstWoken({ wakes }: TurnQueries<V>): V | undefined {
    for (let vcpu = this.#woken.at(-1); vcpu; vcpu = this.#woken.at(-1)) {
      if (this.#hasLeft(vcpu) && wakes(vcpu)) return vcpu;
      this.#woken = this.#woken.slice(0, -1);
    }
    return undefined;
  }

  #firstInOrder({ wakes }: TurnQueries<V>): V | undefined {
    let next = this.#order(0).find((vcpu) => this.#hasLeft(vcpu) && wakes(vcpu));
    if (!next) {
      next = this.#order(1).find(wakes);
      if (next) this.#left.fill(this.#length);
    }
    if (next) this.#turn = next;
    return next;
  }

  /** The running vCPU, whose turn it is, and what each has left. */
  save(): VcpuState {
    return {
      turn: this.#turn.index,
      current: this.#current.index,
      woken: this.#woken.map(({ index }) => index).join(),
      isOver: this.#isOver,
      left: this.#left.join(),
    };
  }

  /**
   * Restores a result of `save`.
   * @throws {TypeError} when it is not one, or not of the same number of vCPUs.
   */
  restore({ turn, current, woken, isOver, left }: VcpuState): void {
    const one = this.#vcpus[Number(turn)];
    const running = this.#vcpus[Number(current)];
    const first = woken === '' ? [] : String(woken).split(',');
    const known = first.flatMap((index) => this.#vcpus[Number(index)] ?? []);
    const lefts = String(left).split(',').map(Number);
    const isState =
      one !== undefined &&
      running !== undefined &&
      known.length === first.length &&
      new Set(known).size === known.length &&
      typeof isOver === 'boolean' &&
      lefts.length === this.#vcpus.length &&
      lefts.every((value) => Number.isInteger(value) && value <= this.#length);
    if (!isState) throw new TypeError('this is not a state of vCPUs that take turns');
    this.#turn = one;
    this.#current = running;
    this.#woken = known;
    this.#isOver = isOver;
    lefts.forEach((value, index) => {
      this.#left[index] = value;
    });
  }
}
