// SPDX-License-Identifier: MIT
// The guest ABI: three machines of one host, whose guests call every function of the ABI
// with arbitrary arguments, store to mapped registers and ring their doorbells, and
// attack their devices. One has VCMDQs, one ECMDQs, one the overlaid CMDQ. None of this
// may fail the machine, or change anything of the other two.

import { Random } from '../../../devices/testing/index.ts';
import { Host, type Machine } from '../../../vmm/api/index.ts';
import { buildTables } from '../../hostile/guest-tables.ts';
import { RAM } from '../../hostile/operations.ts';
import { ABI_FUNCTIONS, AbiCallMaker } from '../abi-calls.ts';
import { CallList, callGuest } from '../call-guest.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';

/** Operations of a hostile guest in a run; some become two calls. */
const OPERATIONS = 600;
const GUEST_PAGES = 64;
/** Every n-th run checks that the other machines are unchanged. */
const LOOK = 16;

/** A machine whose guest makes the calls. */
interface Caller {
  readonly machine: Machine;
  readonly calls: CallList;
  readonly words: Uint32Array;
  readonly ecmdqs: boolean;
}

/**
 * Number of steps without a change after which nothing more happens, and within which
 * everything pending has to happen.
 */
const QUIET = 3;
const MOST_STEPS = 30;

const footprintsOf = (machines: readonly Machine[]) =>
  JSON.stringify(machines.map((machine) => machine.footprint()));

class AbiFuzzer implements Fuzzer {
  readonly #callers: readonly Caller[];

  constructor(callers: readonly Caller[]) {
    this.#callers = callers;
  }

  /**
   * The state of machines when their host has no work left for them: published errors,
   * parked CMD_SYNCs, interrupted DMA. Undefined if that does not end.
   */
  async #quietState(machines: readonly Machine[]): Promise<string | undefined> {
    const callers = this.#callers.filter(({ machine }) => machines.includes(machine));
    for (const { calls } of callers) calls.clear();
    let before = footprintsOf(machines);
    for (let quiet = 0, steps = 0; steps < MOST_STEPS; steps++) {
      for (const machine of machines) await machine.step();
      const after = footprintsOf(machines);
      quiet = after === before ? quiet + 1 : 0;
      before = after;
      if (quiet === QUIET) return after;
    }
    return undefined;
  }

  async run(seed: number): Promise<number> {
    const random = new Random(seed);
    const caller = random.pick(this.#callers);
    const { machine, calls } = caller;
    const others = this.#callers.filter((other) => other !== caller).map((other) => other.machine);
    const before = seed % LOOK === 0 ? await this.#quietState(others) : undefined;
    let made = 0;
    const step = async () => {
      made += calls.count;
      const status = await machine.step();
      ensure(
        status === 'paused',
        () => `${machine.name} is ${status}: ${machine.error?.message ?? 'it has ended'}`,
      );
      calls.clear();
    };
    calls.clear();
    buildTables(machine.memory);
    const maker = new AbiCallMaker(calls, caller.words, caller.ecmdqs, random);
    maker.bringUp(random.below(30) === 0 ? GUEST_PAGES * 0x10000 : undefined);
    await step();
    for (const _ of maker.attack(OPERATIONS)) if (calls.full) await step();
    await step();
    if (before !== undefined) {
      const after = footprintsOf(others);
      ensure(
        after === before,
        () => `${machine.name} has changed its neighbours: ${before}, ${after}`,
      );
    }
    return made;
  }
}

export const abi: FuzzTarget = {
  name: 'abi',
  async create() {
    const host = await Host.create();
    const { binary, numbers } = callGuest(ABI_FUNCTIONS, GUEST_PAGES);
    const callers: Caller[] = [];
    for (const options of [
      { name: 'vcmdqs' },
      { name: 'ecmdqs', queues: 'ecmdq' } as const,
      { name: 'overlay', overlay: true },
    ]) {
      const machine = await host.createMachine({ guest: binary, ...options });
      await machine.boot({ paused: true });
      const words = new Uint32Array(machine.memory.buffer);
      ensure(words[2] === RAM, () => 'the RAM of the board lies elsewhere');
      const ecmdqs = options.name === 'ecmdqs';
      callers.push({ machine, calls: new CallList(machine.memory, numbers), words, ecmdqs });
    }
    return new AbiFuzzer(callers);
  },
};
