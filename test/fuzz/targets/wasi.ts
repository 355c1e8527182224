// WASI: a guest that calls what a console program needs of it with any arguments. No call fails the machine or takes long; proc_exit ends it, and it boots again.

import { Random } from '../../../devices/testing/index.ts';
import { Host, type Machine } from '../../../vmm/api/index.ts';
import { MODULE_WASI } from '../../../vmm/vcpu/wasm/import-types.ts';
import { CallList, callGuest, functionsOf } from '../call-guest.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';

/** Calls of a run. */
const OPERATIONS = 400;
const GUEST_PAGES = 64;
const MEMORY = GUEST_PAGES * 0x10000;
/** Where vectors, subscriptions and paths lie that are filled before a run. */
const DATA = 0x200000;
const DATA_WORDS = 0x1000;
/** Longest of a run's steps that is no hang, in milliseconds of this process's CPU time. */
const MOST_CPU_MS = 5000;
/** What a console program needs of WASI: of the rest the library traps on arguments of which it believes too much. */
const CONSOLE =
  /^(args_|environ_|clock_time_get|fd_read|fd_write|fd_fdstat_get|poll_|random_|sched_)/;
const FUNCTIONS = functionsOf(MODULE_WASI).filter(({ name }) => CONSOLE.test(name));
const EXIT = functionsOf(MODULE_WASI).filter(({ name }) => name === 'proc_exit');
const EDGES = [0, 1, 2, 3, 4, 7, 8, 0xff, 0xffff, 0x10000, MEMORY - 4, MEMORY - 1, MEMORY];
const FAR = [MEMORY + 1, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];
/** Path names, in DATA behind the words. */
const TEXTS = '/ . .. /etc/passwd a/b/c ../../x file\0name';

interface Caller {
  readonly machine: Machine;
  readonly calls: CallList;
  readonly words: Uint32Array;
}

function fill(caller: Caller, random: Random): void {
  const { words } = caller;
  const from = DATA >> 2;
  // Address and length in turn: vectors, and the first words of subscriptions.
  for (let i = 0; i < DATA_WORDS; i += 2) {
    words[from + i] = random.below(50) === 0 ? random.word() : DATA + random.below(DATA_WORDS * 4);
    words[from + i + 1] = random.below(50) === 0 ? random.pick(FAR) : random.below(300);
  }
  const bytes = new Uint8Array(words.buffer, DATA + 4 * DATA_WORDS, TEXTS.length);
  bytes.set(new TextEncoder().encode(TEXTS));
}

function argument(random: Random): number {
  switch (random.below(8)) {
    case 0:
      return random.pick(EDGES);
    case 1:
      return random.pick(FAR);
    case 2:
      return random.below(64);
    case 3:
      return random.below(6);
    case 4:
      return DATA + 4 * DATA_WORDS + random.below(TEXTS.length);
    default:
      return DATA + 8 * random.below(DATA_WORDS / 2);
  }
}

function wide(random: Random): bigint {
  const small = BigInt(random.below(200));
  return random.below(3) > 0 ? small : (BigInt(random.word()) << 32n) | BigInt(random.word());
}

class WasiFuzzer implements Fuzzer {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async run(seed: number): Promise<number> {
    const random = new Random(seed);
    const caller = this.#caller;
    const { machine, calls } = caller;
    calls.clear();
    fill(caller, random);
    machine.write(Uint8Array.from({ length: random.below(40) }, () => random.word()));
    const names: string[] = [];
    for (let i = 0; i < OPERATIONS; i++) {
      const { name, params } = random.pick(FUNCTIONS);
      names.push(name);
      calls.add(name, ...params.map((type) => (type === 'i64' ? wide(random) : argument(random))));
    }
    if (random.below(10) === 0) calls.add('proc_exit', random.word());
    const before = process.cpuUsage();
    const status = await machine.step();
    const { user, system } = process.cpuUsage(before);
    const calm = (user + system) / 1000 <= MOST_CPU_MS;
    ensure(calm, () => `the calls took ${(user + system) / 1e6} s: ${names.join()}`);
    // What is read into memory may make a proc_exit of any call.
    ensure(
      status === 'paused' || status === 'off',
      () => `the machine is ${status}: ${machine.error?.message}: ${names.join()}`,
    );
    if (status === 'off') await boot(caller);
    return OPERATIONS;
  }
}

async function boot({ machine }: Caller): Promise<void> {
  if (machine.status !== 'new') await machine.reset();
  await machine.boot({ paused: true });
}

export const wasi: FuzzTarget = {
  name: 'wasi',
  async create() {
    const host = await Host.create();
    const { binary, numbers } = callGuest([...FUNCTIONS, ...EXIT], GUEST_PAGES);
    const machine = await host.createMachine({
      guest: binary,
      args: ['one', 'two'],
      env: { HOME: '/' },
      seed: 1,
    });
    const calls = new CallList(machine.memory, numbers);
    const caller = { machine, calls, words: new Uint32Array(machine.memory.buffer) };
    await boot(caller);
    return new WasiFuzzer(caller);
  },
};
