// SPDX-License-Identifier: MIT
// WASI: guests that call it with arbitrary arguments, one with files and one without. No
// call fails the machine or takes long, everything made of files is bounded, and a
// neighbour's files are unchanged; proc_exit ends a guest, and it boots again.

import { Random } from '../../../devices/testing/index.ts';
import { Host, type Machine } from '../../../vmm/api/index.ts';
import { MODULE_WASI } from '../../../vmm/vcpu/wasm/import-types.ts';
import {
  CALL_RESULT,
  CallList,
  callGuest,
  functionsOf,
  type GuestFunction,
} from '../call-guest.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';
import { WasiCallMaker } from '../wasi-calls.ts';

/** Calls per run. */
const OPERATIONS = 780;
const GUEST_PAGES = 64;
const MEMORY = GUEST_PAGES * 0x10000;
/**
 * Maximum CPU time of this process for one step of a run, in milliseconds: a longer one
 * hangs.
 */
const MOST_CPU_MS = 5000;
/** Limit for this process in bytes: files of three machines, and garbage, take less. */
const MOST_RSS = 1.5 * 2 ** 30;
/** A file descriptor comes from one of these; without them there are none. */
const OPENS_FILES = /^(path|fd_prestat)_/;
const ALL = functionsOf(MODULE_WASI);
const EXIT = ALL.filter(({ name }) => name === 'proc_exit');
const FILES = ALL.filter(({ name }) => name !== 'proc_exit');
const CONSOLE = FILES.filter(({ name }) => !OPENS_FILES.test(name));

interface Caller {
  readonly machine: Machine;
  readonly calls: CallList;
  /** The functions that it calls, in addition to proc_exit. */
  readonly functions: readonly GuestFunction[];
}

async function boot({ machine }: Caller): Promise<void> {
  if (machine.status !== 'new') await machine.reset();
  await machine.boot({ paused: true });
}

/** A guest with one file, which it writes and reads back. */
class Neighbour {
  readonly #caller: Caller;
  #text = 0;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async look(): Promise<void> {
    const { machine, calls } = this.#caller;
    const [name, vector, back, result, from, to] = [
      0x200000, 0x200010, 0x200018, 0x200020, 0x200030, 0x200040,
    ];
    const words = new Uint32Array(machine.memory.buffer);
    words[name >> 2] = 'n'.charCodeAt(0);
    words.set([from, 4, to, 8], vector >> 2);
    words[from >> 2] = ++this.#text;
    calls.clear();
    // Descriptors count up, starting with 4.
    calls.add('path_open', 3, 0, name, 1, 1 | 8, 0x1fffffffn, 0x1fffffffn, 0, result);
    await this.#step();
    const fd = words[result >> 2] ?? 0;
    ensure(words[CALL_RESULT >> 2] === 0, () => 'a neighbour cannot open its file');
    calls.clear();
    calls.add('fd_write', fd, vector, 1, result);
    calls.add('fd_seek', fd, 0n, 0, result);
    calls.add('fd_read', fd, back, 1, result);
    calls.add('fd_close', fd);
    await this.#step();
    const read = [words[CALL_RESULT >> 2], words[result >> 2], words[to >> 2]];
    ensure(
      read.join() === [0, 4, this.#text].join(),
      () => `a neighbour has ${read.join()} of its file in place of 0,4,${this.#text}`,
    );
  }

  async #step(): Promise<void> {
    const status = await this.#caller.machine.step();
    ensure(status === 'paused', () => `a neighbour is ${status}`);
  }
}

class WasiFuzzer implements Fuzzer {
  readonly #callers: readonly [Caller, Caller];
  readonly #neighbour: Neighbour;

  constructor(callers: readonly [Caller, Caller], neighbour: Neighbour) {
    this.#callers = callers;
    this.#neighbour = neighbour;
  }

  async run(seed: number): Promise<number> {
    const random = new Random(seed);
    const caller = this.#callers[random.below(4) === 0 ? 0 : 1];
    const { machine, calls, functions } = caller;
    // Files belong to this run.
    await boot(caller);
    const maker = new WasiCallMaker(random, MEMORY);
    maker.fill(machine.memory.buffer);
    machine.write(Uint8Array.from({ length: random.below(40) }, () => random.word()));
    calls.clear();
    const names: string[] = [];
    for (let i = 0; i < OPERATIONS; i++) {
      const called = random.pick(functions);
      names.push(called.name);
      calls.add(called.name, ...maker.argumentsOf(called));
    }
    if (random.below(10) === 0) calls.add('proc_exit', random.word());
    const before = process.cpuUsage();
    const status = await machine.step();
    const { user, system } = process.cpuUsage(before);
    const calm = (user + system) / 1000 <= MOST_CPU_MS;
    ensure(calm, () => `the calls took ${(user + system) / 1e6} s: ${names.join()}`);
    // Data read into memory may turn any call into proc_exit.
    ensure(
      status === 'paused' || status === 'off',
      () => `the machine is ${status}: ${machine.error?.message}: ${names.join()}`,
    );
    await this.#neighbour.look();
    const { rss } = process.memoryUsage();
    ensure(rss <= MOST_RSS, () => `the process has ${rss} bytes`);
    return OPERATIONS;
  }
}

async function callerOf(host: Host, functions: readonly GuestFunction[]): Promise<Caller> {
  const { binary, numbers } = callGuest([...functions, ...EXIT], GUEST_PAGES);
  const machine = await host.createMachine({
    guest: binary,
    args: ['one', 'two'],
    env: { HOME: '/' },
    seed: 1,
  });
  return { machine, calls: new CallList(machine.memory, numbers), functions };
}

export const wasi: FuzzTarget = {
  name: 'wasi',
  async create() {
    const host = await Host.create();
    const callers = [await callerOf(host, CONSOLE), await callerOf(host, FILES)] as const;
    const beside = await callerOf(host, FILES);
    await boot(beside);
    return new WasiFuzzer(callers, new Neighbour(beside));
  },
};
