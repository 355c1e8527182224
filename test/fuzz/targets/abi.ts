// SPDX-License-Identifier: MIT
// The guest ABI: three machines of one host, whose guests call everything that the ABI has with any arguments, store to mapped registers and
// ring their doorbells, and do what a hostile guest does to its devices. One has VCMDQs, one ECMDQs, one the overlaid CMDQ. None of it fails
// the machine, or changes anything that the other two have.

import {
  ABI_AT_MAP_COUNT,
  ABI_AT_MAPS,
  ABI_MAP_DOORBELL,
  ABI_MAP_GPA,
  ABI_MAP_LENGTH,
  ABI_MAP_OFFSET,
  ABI_MAP_SIZE,
  ABI_MAX_MAPS,
} from '../../../assembly/layout/guest-abi.ts';
import { Random } from '../../../devices/testing/index.ts';
import { Host, type Machine } from '../../../vmm/api/index.ts';
import { MODULE_VSMMU } from '../../../vmm/vcpu/wasm/import-types.ts';
import { buildTables } from '../../hostile/guest-tables.ts';
import {
  bringUp,
  CMDQV,
  HostileGuest,
  type Operation,
  RAM,
  SMMU,
} from '../../hostile/operations.ts';
import { CallList, callGuest, functionsOf, type GuestFunction, STORE32 } from '../call-guest.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';

/** Operations of a hostile guest in a run; some of them become two calls. */
const OPERATIONS = 600;
const GUEST_PAGES = 64;
/** One in so many runs looks whether the neighbours are as they were. */
const LOOK = 16;
const FUNCTIONS = functionsOf(MODULE_VSMMU);
const EDGES = [0, 1, 2, 3, 4, 0x84, 0x101, 0xffff, 0x100000, 0x7fffffff, 0x80000000, 0xffffffff];

/** Registers of a VCMDQ, and of the ECMDQ that takes its place. */
const PAGE0 = CMDQV + 0x30000;
const PAGE1 = CMDQV + 0x40000;
const ECMDQ_EN = 0x80000000;

/** Where an operation on a VCMDQ goes in a guest with ECMDQs; others go where they went. */
function asEcmdq([kind, gpa, value = 0, high = 0]: Operation): Operation {
  const at = gpa - PAGE0;
  const lvcmdq = (at & 0xffff) >> 7;
  if (at < 0 || at >= 0x20000 || lvcmdq > 3) return [kind, gpa, value, high];
  const page = SMMU + 0x20000 + 0x4000 * lvcmdq;
  if (gpa >= PAGE1) return [kind, page + (at & 4), value, high];
  switch (at & 0x7f) {
    case 0x00:
      return [kind, page + 0xc, value, high];
    // PROD, and CONFIG.EN.
    case 0x04:
      return [kind, page + 8, value | ECMDQ_EN, high];
    case 0x08:
      return [kind, page + 8, (value & 1) * ECMDQ_EN, high];
    default:
      return [kind, page + (at & 0xc), value, high];
  }
}

/** A machine whose guest makes the calls. */
interface Caller {
  readonly machine: Machine;
  readonly calls: CallList;
  readonly words: Uint32Array;
  readonly ecmdqs: boolean;
}

/** A range of registers that is mapped. */
interface Mapped {
  readonly offset: number;
  readonly doorbell: number;
  /** Of the register in the range. */
  readonly at: number;
}

function mapOf(words: Uint32Array, gpa: number): Mapped | undefined {
  const count = Math.min(words[ABI_AT_MAP_COUNT >> 2] ?? 0, ABI_MAX_MAPS);
  for (let i = 0; i < count; i++) {
    const word = (field: number) => words[(ABI_AT_MAPS + ABI_MAP_SIZE * i + field) >> 2] ?? 0;
    const at = gpa - word(ABI_MAP_GPA);
    if (at >= 0 && at < word(ABI_MAP_LENGTH))
      return { offset: word(ABI_MAP_OFFSET) + at, doorbell: word(ABI_MAP_DOORBELL), at };
  }
  return undefined;
}

const u64 = (lo: number, hi: number) => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** Steps after which nothing happens any more, and in which that has to come. */
const QUIET = 3;
const MOST_SETTLING = 30;

const footprintsOf = (machines: readonly Machine[]) =>
  JSON.stringify(machines.map((machine) => machine.footprint()));

class AbiFuzzer implements Fuzzer {
  readonly #callers: readonly Caller[];

  constructor(callers: readonly Caller[]) {
    this.#callers = callers;
  }

  /** The calls that an operation of a hostile guest stands for. */
  #translate({ calls, words, ecmdqs }: Caller, random: Random, operation: Operation): void {
    const [kind, a, b = 0, c = 0] = ecmdqs ? asEcmdq(operation) : operation;
    // Mostly where a driver would store; the trapped access of a mapped register is a guest's good right.
    const mapped = random.below(8) > 0 ? mapOf(words, a) : undefined;
    switch (kind) {
      case 0:
        calls.add('mmio_read32', a);
        break;
      case 1:
      case 3:
        if (mapped) {
          calls.add('store32', mapped.offset, b);
          if (kind === 3) calls.add('store32', mapped.offset + 4, c);
          calls.add('doorbell', mapped.doorbell, mapped.at);
        } else if (kind === 1) calls.add('mmio_write32', a, b);
        else calls.add('mmio_write64', a, u64(b, c));
        break;
      case 2:
        calls.add('mmio_read64', a);
        break;
      case 4:
        calls.add('store32', a, b);
        break;
      case 5:
        calls.add('doorbell', a, b);
        break;
      case 6: {
        const to = mapOf(words, b);
        if (mapped && to) {
          calls.add('copy32', mapped.offset, to.offset);
          calls.add('doorbell', to.doorbell, to.at);
        } else calls.add('acknowledge', a, b);
        break;
      }
      case 7:
        calls.add('wait', 0);
        break;
      default:
        calls.add('clock_ns');
    }
  }

  /** A call of the ABI with any arguments. */
  #anyCall({ calls }: Caller, random: Random): void {
    const { name, params }: GuestFunction = random.pick([...FUNCTIONS, STORE32]);
    const value = () => (random.below(2) === 0 ? random.pick(EDGES) : random.word());
    calls.add(name, ...params.map((type) => (type === 'i64' ? u64(value(), value()) : value())));
  }

  /**
   * What machines have once their host has nothing left to do for them: errors that it publishes, CMD_SYNCs that were parked, DMA that was
   * cut. Undefined when that does not come to an end.
   */
  async #settled(machines: readonly Machine[]): Promise<string | undefined> {
    const callers = this.#callers.filter(({ machine }) => machines.includes(machine));
    for (const { calls } of callers) calls.clear();
    let before = footprintsOf(machines);
    for (let quiet = 0, steps = 0; steps < MOST_SETTLING; steps++) {
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
    const before = seed % LOOK === 0 ? await this.#settled(others) : undefined;
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
    const hostile = new HostileGuest(random.word());
    const ring = random.below(30) === 0 ? GUEST_PAGES * 0x10000 : undefined;
    for (const operation of bringUp(ring)) this.#translate(caller, random, operation);
    await step();
    for (const operation of hostile.operations(OPERATIONS)) {
      if (calls.full) await step();
      if (random.below(20) === 0) this.#anyCall(caller, random);
      else this.#translate(caller, random, operation);
    }
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
    const { binary, numbers } = callGuest(FUNCTIONS, GUEST_PAGES);
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
