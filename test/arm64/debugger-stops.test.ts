// SPDX-License-Identifier: MIT
// Breakpoints and watchpoints of a debugger on the host: they stop before the
// instruction, and are invisible to the guest, whatever its own debug registers contain.

import { describe, expect, it } from 'vitest';
import { ARM64_EXIT_DEBUGGER, ARM64_EXIT_SLICE } from '../../assembly/layout/arm64-results.ts';
import {
  ARM64_COUNT,
  ARM64_DAIF,
  ARM64_OS_LOCK,
  ARM64_PC,
  ARM64_SS,
  ARM64_X,
  BANK_ELR,
  BANK_ESR,
} from '../../assembly/layout/arm64-state.ts';
import {
  ARM64_DEBUGGER_BREAKPOINT_COUNT,
  ARM64_DEBUGGER_BREAKPOINTS,
  ARM64_DEBUGGER_STOP,
  ARM64_DEBUGGER_STOP_ADDRESS,
  ARM64_DEBUGGER_WATCHPOINT_COUNT,
  ARM64_DEBUGGER_WATCHPOINTS,
  ARM64_WATCH_READ,
  ARM64_WATCH_WRITE,
} from '../../assembly/layout/arm64-stop-points.ts';
import { storageOffset } from '../../vmm/vcpu/arm64/arm64-block.ts';
import { type Arm64Machine, FLAT_EL1, write } from './el0-machine.ts';
import { DATA, machineWith, NOP, PROGRAM, VECTORS } from './program-machine.ts';

const ADD = 0x91000400; // ADD X0, X0, #1
const LOOP = 0x14000000;
const PSTATE_SS = 1 << 21;
const ANY = ARM64_WATCH_READ | ARM64_WATCH_WRITE;

function breakAt(machine: Arm64Machine, ...addresses: number[]): void {
  machine.setU32(ARM64_DEBUGGER_BREAKPOINT_COUNT, addresses.length);
  for (const [n, address] of addresses.entries())
    machine.setU64(ARM64_DEBUGGER_BREAKPOINTS + 8 * n, BigInt(address));
  machine.exports.flushAll(machine.cpu);
}

function watch(machine: Arm64Machine, address: number, length: number, accesses = ANY): void {
  machine.setU32(ARM64_DEBUGGER_WATCHPOINT_COUNT, 1);
  machine.setU64(ARM64_DEBUGGER_WATCHPOINTS, BigInt(address));
  machine.setU32(ARM64_DEBUGGER_WATCHPOINTS + 8, length);
  machine.setU32(ARM64_DEBUGGER_WATCHPOINTS + 12, accesses);
  machine.exports.flushAll(machine.cpu);
}

/** A program at EL1, with writable data at the address in X1. */
function program(...words: number[]): Arm64Machine {
  const machine = machineWith(words, { attributes: FLAT_EL1 });
  machine.setU64(ARM64_X + 8, BigInt(DATA));
  return machine;
}

const pcOf = (machine: Arm64Machine) => Number(machine.u64(ARM64_PC)) - PROGRAM;
const run = (machine: Arm64Machine) => machine.exports.run(machine.cpu, 100);

describe('a breakpoint of a debugger', () => {
  it('stops before its instruction, of which nothing is counted', () => {
    const machine = program(ADD, ADD, ADD, LOOP);
    breakAt(machine, PROGRAM + 8);
    expect(run(machine)).toBe(ARM64_EXIT_DEBUGGER);
    expect([pcOf(machine), machine.u64(ARM64_X), machine.u64(ARM64_COUNT)]).toEqual([8, 2n, 2n]);
    // It is still set.
    expect(machine.exports.step(machine.cpu)).toBe(ARM64_EXIT_DEBUGGER);
    breakAt(machine);
    expect(machine.exports.runTo(machine.cpu, 5n)).toBe(ARM64_EXIT_SLICE);
    expect([pcOf(machine), machine.u64(ARM64_X), machine.u64(ARM64_COUNT)]).toEqual([12, 3n, 5n]);
  });

  it('is met in code that has become WebAssembly', () => {
    // ADD; B .-4
    const machine = program(ADD, 0x17ffffff);
    machine.exports.run(machine.cpu, 1000);
    machine.translate(PROGRAM);
    machine.exports.run(machine.cpu, 1000);
    breakAt(machine, PROGRAM + 4);
    expect(run(machine)).toBe(ARM64_EXIT_DEBUGGER);
    expect(pcOf(machine)).toBe(4);
  });

  it('is taken at a vector, after the exception', () => {
    const machine = program(NOP, 0xd4000001); // SVC #0
    breakAt(machine, VECTORS + 0x200);
    expect(run(machine)).toBe(ARM64_EXIT_DEBUGGER);
    expect(machine.u64(ARM64_PC)).toBe(BigInt(VECTORS + 0x200));
    expect(machine.el1(BANK_ELR)).toBe(BigInt(PROGRAM + 8));
  });

  it.each([0x200, 0x204])(
    'at a vector + %s comes after the exception of a fetch that faults',
    (offset) => {
      const machine = program(0xd61f0020); // BR X1
      machine.setU64(ARM64_X + 8, 3n);
      breakAt(machine, VECTORS + offset, PROGRAM + 0x80);
      expect(run(machine)).toBe(ARM64_EXIT_DEBUGGER);
      expect(machine.u64(ARM64_PC)).toBe(BigInt(VECTORS + offset));
    },
  );

  it("preserves the guest's software step", () => {
    const machine = program(ADD, ADD, ADD);
    for (const vector of [0x200, 0x280]) write(machine, VECTORS + vector, [LOOP]);
    machine.setU32(ARM64_DAIF, 0);
    machine.setU64(ARM64_OS_LOCK, 0n);
    // MDSCR_EL1.SS and KDE.
    machine.setU64(storageOffset('MDSCR_EL1'), (1n << 13n) | 1n);
    machine.setU32(ARM64_SS, PSTATE_SS);
    breakAt(machine, PROGRAM);
    expect(run(machine)).toBe(ARM64_EXIT_DEBUGGER);
    expect(machine.u32(ARM64_SS)).toBe(PSTATE_SS);
    breakAt(machine);
    expect(run(machine)).toBe(ARM64_EXIT_SLICE);
    // One instruction was stepped; then its exception was taken.
    expect(machine.u64(ARM64_X)).toBe(1n);
    expect([Number(machine.el1(BANK_ELR)) - PROGRAM, machine.el1(BANK_ESR) >> 26n]).toEqual([
      4,
      0x33n,
    ]);
  });

  it('survives a reset of the vCPU', () => {
    const machine = program(ADD);
    breakAt(machine, PROGRAM);
    machine.exports.reset(machine.cpu);
    expect(machine.u32(ARM64_DEBUGGER_BREAKPOINT_COUNT)).toBe(1);
  });
});

describe('a watchpoint of a debugger', () => {
  const STR = 0xf9000020; // STR X0, [X1]
  const LDR = 0xf9400022; // LDR X2, [X1]

  it.each([
    ['LDR', LDR, ARM64_WATCH_READ],
    ['STR', STR, ARM64_WATCH_WRITE],
    ['LDP', 0xa9400c22, ARM64_WATCH_READ], // LDP X2, X3, [X1]
    ['STP, post-indexed', 0xa8810020, ARM64_WATCH_WRITE], // STP X0, X0, [X1], #16
    ['LDXR', 0xc85f7c22, ARM64_WATCH_READ],
    ['SWP', 0xf8208022, ARM64_WATCH_WRITE], // SWP X0, X2, [X1]
    ['SWP, which reads too', 0xf8208022, ARM64_WATCH_READ],
    ['DC ZVA', 0xd50b7421, ARM64_WATCH_WRITE], // DC ZVA, X1
    ['STRB', 0x39000020, ARM64_WATCH_WRITE],
  ])('stops before %s', (_, word, accesses) => {
    const machine = program(ADD, word, ADD, LOOP);
    const before = machine.view.getBigUint64(machine.at(DATA), true);
    watch(machine, DATA, 8, accesses);
    const exit = run(machine);
    expect(exit).toBe(ARM64_EXIT_DEBUGGER);
    expect(machine.u32(ARM64_DEBUGGER_STOP)).toBe(accesses);
    expect(machine.u64(ARM64_DEBUGGER_STOP_ADDRESS)).toBe(BigInt(DATA));
    expect([pcOf(machine), machine.u64(ARM64_COUNT)]).toEqual([4, 1n]);
    expect(machine.u64(ARM64_X + 8)).toBe(BigInt(DATA));
    expect(machine.view.getBigUint64(machine.at(DATA), true)).toBe(before);
    // The machine does not continue until the host has handled the stop.
    expect(run(machine)).toBe(ARM64_EXIT_DEBUGGER);
    machine.setU32(ARM64_DEBUGGER_STOP, 0);
    machine.setU32(ARM64_DEBUGGER_WATCHPOINT_COUNT, 0);
    machine.exports.flushAll(machine.cpu);
    machine.exports.runTo(machine.cpu, 3n);
    expect([pcOf(machine), machine.u64(ARM64_COUNT), machine.u64(ARM64_X)]).toEqual([12, 3n, 2n]);
  });

  it.each([
    [DATA + 7, 1, true, DATA + 7],
    [DATA + 8, 4, false, 0],
    [DATA - 4, 4, false, 0],
    [DATA - 4, 5, true, DATA],
    [DATA - 0x1800, 0x3000, true, DATA],
  ])('at 0x%s of %i bytes is for 8 bytes of data: %s', (address, length, isFor, at) => {
    const machine = program(STR, LOOP);
    watch(machine, address, length);
    expect(run(machine)).toBe(isFor ? ARM64_EXIT_DEBUGGER : ARM64_EXIT_SLICE);
    if (isFor) expect(machine.u64(ARM64_DEBUGGER_STOP_ADDRESS)).toBe(BigInt(at));
  });

  it('is for accesses of its kind alone', () => {
    const machine = program(LDR, STR, LOOP);
    watch(machine, DATA, 8, ARM64_WATCH_WRITE);
    expect(run(machine)).toBe(ARM64_EXIT_DEBUGGER);
    expect(pcOf(machine)).toBe(4);
  });

  it('is met by an access that crosses into its page', () => {
    const machine = program(STR, LOOP);
    machine.setU64(ARM64_X + 8, BigInt(DATA + 0xffc));
    watch(machine, DATA + 0x1000, 4);
    expect(run(machine)).toBe(ARM64_EXIT_DEBUGGER);
    expect(machine.u64(ARM64_DEBUGGER_STOP_ADDRESS)).toBe(BigInt(DATA + 0x1000));
    expect(machine.view.getUint32(machine.at(DATA + 0xffc), true)).toBe(0);
  });

  it('is met while an instruction is stepped', () => {
    const machine = program(STR, LOOP);
    watch(machine, DATA, 8);
    expect(machine.exports.step(machine.cpu)).toBe(ARM64_EXIT_DEBUGGER);
    expect(machine.u64(ARM64_COUNT)).toBe(0n);
  });
});
