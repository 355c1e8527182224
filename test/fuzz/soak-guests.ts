// SPDX-License-Identifier: MIT
// The guests of the soak, drawn from its seed: the toy, hostile ones that make random
// calls of the ABI and of WASI with files, programs in WebAssembly text and in C, and
// small programs for an arm64 CPU. Each has its required end.

import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Random } from '../../devices/testing/index.ts';
import { toyGuest } from '../../guest-driver/index.ts';
import { type Machine, type MachineOptions, virtBoard } from '../../vmm/api/index.ts';
import { MODULE_WASI } from '../../vmm/vcpu/wasm/import-types.ts';
import { buildTables } from '../hostile/guest-tables.ts';
import { assemble } from '../support/wat.ts';
import { BUSY, batches, HELLO, IDLE, timer } from '../vmm/boards/virt/virt-programs.ts';
import { ABI_FUNCTIONS, AbiCallMaker } from './abi-calls.ts';
import { CallList, callGuest, functionsOf } from './call-guest.ts';
import { ensure } from './target.ts';
import { WasiCallMaker } from './wasi-calls.ts';

const GUEST_PAGES = 64;
/** Operations of a hostile guest between two checks, and the number of checks. */
const OPERATIONS = 600;
const LOOKS = 5;
/** A machine that exceeds this does not end. */
const MACHINE_MS = 120_000;
/** The latest time to stop a guest that would not end, or one in four that would. */
const STOP_MS = 300;
/**
 * Checks without meaning here. A killed drain makes a guest wait so long for CONS that it
 * exits to ask the host. A machine that does not run for a while, because the others do,
 * finds that the SMMU no longer waits for a response.
 */
const OF_TIME = ['no-exits-direct', 'sync-waits'];
const PATHS = ['path=trapped', 'path=direct'];

/** The settings of a machine, and how it is run. */
export interface SoakGuest {
  readonly kind: string;
  readonly options: MachineOptions;
  /** Runs a new machine until it has ended or has done enough. @throws {FuzzFinding} */
  run(machine: Machine): Promise<void>;
}

/** A kind of guest, with what its machines have in common. */
type Draw = (random: Random, index: number) => SoakGuest;

/** Half of the machines have faults. */
function badDay(random: Random): Pick<MachineOptions, 'faults'> {
  const faults = {
    lateCons: random.below(3),
    lateInterrupts: random.below(3),
    lostInterrupts: random.pick([0, 0, 3, 10]),
    fetchAborts: random.pick([0, 0, 20, 100]),
  };
  return random.below(2) === 0 ? { faults } : {};
}

/**
 * Runs a program to its end, or stops it earlier: one in four, and each that would not
 * end.
 */
function program(random: Random, ends = true): SoakGuest['run'] {
  const stops = !ends || random.below(4) === 0;
  const ms = stops ? random.below(STOP_MS) : MACHINE_MS;
  return async (machine) => {
    const signal = AbortSignal.timeout(ms);
    const failed: string[] = [];
    machine.on('check', ({ name, ok }) => {
      if (!ok && !OF_TIME.includes(name)) failed.push(name);
    });
    // One that is stopped may have changed its tables without the invalidation yet.
    if (!stops) machine.on('finding', ({ text }) => failed.push(text));
    await machine.boot({ signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (machine.status === 'new') return;
    const { status, exitCode, reason } = await machine.wait();
    const ended = (status === 'off' && exitCode === 0) || (stops && status === 'stopped');
    ensure(
      ended && failed.length === 0,
      () => `${machine.name} is ${status} ${exitCode} ${reason}: ${failed.join()}`,
    );
  };
}

/**
 * Steps a hostile guest, with new calls before each check. It may end itself, and must
 * not fail its machine.
 */
function hostile(makeCalls: (machine: Machine) => () => void): SoakGuest['run'] {
  return async (machine) => {
    await machine.boot({ paused: true });
    const next = makeCalls(machine);
    for (let look = 0; look < LOOKS; look++) {
      next();
      const status = await machine.step();
      if (status === 'off') return;
      ensure(
        status === 'paused',
        () => `${machine.name} is ${status}: ${machine.error?.message ?? 'it has ended'}`,
      );
    }
  };
}

const toy: Draw = (random, index) => {
  // The first one starts the host's side core in the first round.
  const threads = index === 0 ? 0 : random.below(3);
  const { faults } = badDay(random);
  // The toy waits for each of its interrupts: none is lost.
  const bad = faults ? { faults: { ...faults, lostInterrupts: 0 } } : {};
  return {
    kind: 'toy',
    options: {
      guest: toyGuest,
      // The direct path needs a mapped page 0, which faults prevent.
      args: [faults ? 'path=trapped' : random.pick(PATHS), 'rounds=1', 'warmup=0'],
      memory: 32,
      transport: threads === 0 ? 'mailbox' : 'inline',
      drain:
        threads === 0
          ? index === 0
            ? 'thread'
            : random.pick(['doorbell', 'thread'] as const)
          : 'doorbell',
      ...bad,
    },
    run: program(random),
  };
};

function abi(): Draw {
  const { binary, numbers } = callGuest(ABI_FUNCTIONS, GUEST_PAGES);
  return (random) => {
    const queues = random.pick([{}, { queues: 'ecmdq' }, { overlay: true }] as const);
    return {
      kind: 'abi',
      options: { guest: binary, ...queues, ...badDay(random) },
      run: hostile((machine) => {
        const calls = new CallList(machine.memory, numbers);
        const words = new Uint32Array(machine.memory.buffer);
        const maker = new AbiCallMaker(calls, words, 'queues' in queues, random);
        buildTables(machine.memory);
        maker.bringUp();
        const attack = maker.attack(LOOKS * OPERATIONS);
        let isUp = false;
        return () => {
          if (isUp) calls.clear();
          for (let i = 0; isUp && i < OPERATIONS && !calls.full && !attack.next().done; i++);
          isUp = true;
        };
      }),
    };
  };
}

function wasi(): Draw {
  const { binary, numbers } = callGuest(functionsOf(MODULE_WASI), GUEST_PAGES);
  const functions = functionsOf(MODULE_WASI).filter(({ name }) => name !== 'proc_exit');
  return (random) => ({
    kind: 'wasi',
    options: { guest: binary, args: ['one', 'two'], env: { HOME: '/' }, ...badDay(random) },
    run: hostile((machine) => {
      const calls = new CallList(machine.memory, numbers);
      const maker = new WasiCallMaker(random, GUEST_PAGES * 0x10000);
      maker.fill(machine.memory.buffer);
      return () => {
        calls.clear();
        for (let i = 0; i < OPERATIONS; i++) {
          const called = random.pick(functions);
          calls.add(called.name, ...maker.argumentsOf(called));
        }
      };
    }),
  });
}

/** Programs that end by themselves. */
function small(kind: string, binaries: readonly Uint8Array<ArrayBuffer>[]): Draw {
  return (random) => ({
    kind,
    options: {
      guest: random.pick(binaries),
      transport: random.pick(['inline', 'inline', 'mailbox']),
      ...badDay(random),
    },
    run: program(random),
  });
}

const arm64: Draw = (random) => {
  const ends = random.below(3) > 0;
  const guest = random.pick(
    ends ? [HELLO, timer('asleep'), timer('awake'), batches(200)] : [IDLE, BUSY],
  );
  return {
    kind: 'arm64',
    options: {
      guest,
      board: virtBoard(),
      memory: 64,
      transport: random.pick(['inline', 'inline', 'mailbox']),
      ...badDay(random),
    },
    run: program(random, ends),
  };
};

/** The guest of `templates/c`. @returns undefined without a compiler. */
async function compiledC(): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (spawnSync('clang', ['--version']).status !== 0) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'soak-'));
  try {
    for (const file of ['templates/c/Makefile', 'templates/c/guest.c', 'guest-driver/vsmmu.h'])
      await copyFile(file, join(folder, basename(file)));
    const { status, stderr } = spawnSync('make', ['-s'], { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`the guest in C does not compile: ${stderr}`);
    return new Uint8Array(await readFile(join(folder, 'guest.wasm')));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const WAT = ['templates/wat/guest.wat', 'docs/examples/guest.wat', 'docs/examples/files.wat'];

/**
 * Draws guests.
 * @param leftOut called with a kind that is unavailable, and the reason.
 */
export async function soakGuests(leftOut: (why: string) => void): Promise<Draw> {
  const texts = await Promise.all(WAT.map((file) => readFile(file, 'utf8')));
  const kinds = [toy, toy, abi(), wasi(), small('wat', texts.map(assemble)), arm64];
  const c = await compiledC();
  if (c) kinds.push(small('c', [c]));
  else leftOut('guests in C: there is no clang');
  return (random, index) => (index === 0 ? toy : random.pick(kinds))(random, index);
}
