// SPDX-License-Identifier: MIT
// A debugger on the host for the vCPUs of an arm64 machine: which of them may execute
// what, and what stops them. It is invisible to the guest: no instruction is changed, and
// the guest has its own debug registers.

import { ARM64_PC } from '../../../assembly/layout/arm64-state.ts';
import {
  ARM64_DEBUGGER_BREAKPOINT_COUNT,
  ARM64_DEBUGGER_BREAKPOINTS,
  ARM64_DEBUGGER_BREAKPOINTS_MAX,
  ARM64_DEBUGGER_STOP,
  ARM64_DEBUGGER_STOP_ADDRESS,
  ARM64_DEBUGGER_WATCHPOINT_COUNT,
  ARM64_DEBUGGER_WATCHPOINT_SIZE,
  ARM64_DEBUGGER_WATCHPOINTS,
  ARM64_DEBUGGER_WATCHPOINTS_MAX,
  ARM64_WATCH_READ,
  ARM64_WATCH_WRITE,
} from '../../../assembly/layout/arm64-stop-points.ts';
import type { Arm64Exports } from '../../../assembly/load.ts';
import type {
  AddressSpace,
  DebugAction,
  DebugStop,
  DebugTarget,
  WatchedAccess,
  Watchpoint,
} from '../debug-target.ts';
import type { Arm64Block } from './arm64-block.ts';
import {
  ARM64_DEBUG_REGISTERS,
  readDebugRegister,
  writeDebugRegister,
} from './arm64-debug-registers.ts';
import type { Arm64Memory } from './arm64-memory.ts';
import type { Arm64Vcpu } from './arm64-vcpu.ts';

const PAGE = 4096;
const PAGE_SHIFT = 12;

/**
 * A debugger that steps returns at once: for this time a halted machine does not count as
 * idle.
 */
const PROMPT_MS = 50;

const ACCESSES: Readonly<Record<WatchedAccess, number>> = {
  read: ARM64_WATCH_READ,
  write: ARM64_WATCH_WRITE,
  any: ARM64_WATCH_READ | ARM64_WATCH_WRITE,
};

const RUN: DebugAction = { what: 'run' };

/** State that exists once the guest has been started. */
interface Started {
  readonly exports: Arm64Exports;
  readonly vcpus: readonly Arm64Vcpu[];
}

export class Arm64Debugger implements DebugTarget {
  readonly vcpus: number;
  readonly registers = ARM64_DEBUG_REGISTERS;
  readonly #memory: Arm64Memory;
  readonly #blocks: readonly Arm64Block[];
  readonly #bytes: Uint8Array;
  #started: Started | undefined;
  #breakpoints: readonly bigint[] = [];
  #watchpoints: readonly Watchpoint[] = [];
  #isHalted = false;
  /** Number of debuggers that are connected or may connect. */
  #expected = 0;
  #haltedAt = 0;
  #actions: readonly DebugAction[] = [];
  #listener: ((stop: DebugStop) => void) | undefined;

  /** @param blocks of all vCPUs, in the order of their numbers. */
  constructor(memory: Arm64Memory, blocks: readonly Arm64Block[]) {
    this.#memory = memory;
    this.#blocks = blocks;
    this.#bytes = new Uint8Array(memory.memory.buffer);
    this.vcpus = blocks.length;
  }

  /** The guest has been started, with empty blocks; undefined when it has ended. */
  setStarted(started: Started | undefined): void {
    this.#started = started;
    this.#apply();
  }

  get isHalted(): boolean {
    return this.#isHalted;
  }

  /**
   * True when the machine is halted by a user who is not expected to resume it right
   * away.
   */
  get isIdle(): boolean {
    return performance.now() - this.#haltedAt > PROMPT_MS;
  }

  /** A debugger is connected, or may connect. */
  get isExpected(): boolean {
    return this.#expected > 0;
  }

  expectDebugger(): () => void {
    this.#expected++;
    let isOver = false;
    return () => {
      if (!isOver) this.#expected--;
      isOver = true;
    };
  }

  /** What a vCPU may do. */
  actionOf(vcpu: number): DebugAction {
    return this.#actions[vcpu] ?? RUN;
  }

  /** True when another vCPU may execute something. */
  hasOther(vcpu: number): boolean {
    return this.#blocks.some((_, n) => n !== vcpu && this.actionOf(n).what !== 'stop');
  }

  /** A vCPU has executed an instruction that it had to step. */
  stepped(vcpu: number): void {
    const action = this.actionOf(vcpu);
    const pc = this.#blocks[vcpu]?.long(ARM64_PC) ?? 0n;
    const range = action.what === 'step' ? action.range : undefined;
    if (range && pc >= range.from && pc < range.to) return;
    this.#stop({ why: 'step', vcpu });
  }

  /** A breakpoint or watchpoint has stopped a vCPU. */
  stopped(vcpu: number): void {
    const block = this.#blocks[vcpu];
    const watched = block?.word(ARM64_DEBUGGER_STOP) ?? 0;
    if (!block || watched === 0) {
      this.#stop({ why: 'breakpoint', vcpu });
      return;
    }
    block.setWord(ARM64_DEBUGGER_STOP, 0);
    const address = block.long(ARM64_DEBUGGER_STOP_ADDRESS);
    const accesses =
      watched === ARM64_WATCH_READ ? 'read' : watched === ARM64_WATCH_WRITE ? 'write' : 'any';
    this.#stop({ why: 'watchpoint', vcpu, accesses, address });
  }

  halt(): void {
    if (!this.#isHalted) this.#stop({ why: 'halt', vcpu: 0 });
  }

  /** Listeners may control the target, so they are not called inside a run. */
  #stop(stop: DebugStop): void {
    this.#isHalted = true;
    this.#haltedAt = performance.now();
    const listener = this.#listener;
    if (listener) queueMicrotask(() => listener(stop));
  }

  onStop(listener: ((stop: DebugStop) => void) | undefined): void {
    this.#listener = listener;
  }

  resume(actions: readonly DebugAction[]): void {
    this.#actions = actions;
    this.#isHalted = false;
  }

  describe(vcpu: number): string {
    const one = this.#started?.vcpus[vcpu];
    if (!one?.isOn) return 'off';
    return one.wait ? `waits for an ${one.wait.what}` : 'runs';
  }

  readRegister(vcpu: number, register: number): bigint | undefined {
    const block = this.#blocks[vcpu];
    return block && this.#started
      ? readDebugRegister(this.#started.exports, block, register)
      : undefined;
  }

  writeRegister(vcpu: number, register: number, value: bigint): boolean {
    const block = this.#blocks[vcpu];
    return block && this.#started
      ? writeDebugRegister(this.#started.exports, block, register, value)
      : false;
  }

  /** Place in memory of a byte of RAM; undefined outside RAM. */
  #locate(vcpu: number, space: AddressSpace, address: bigint): number | undefined {
    const block = this.#blocks[vcpu];
    if (!this.#started || !block) return undefined;
    if (space === 'virtual') {
      const at = this.#started.exports.hostAddress(block.at, address) >>> 0;
      return at === 0 ? undefined : at;
    }
    const { ram } = this.#memory;
    const offset = address - BigInt(ram.gpa);
    return offset >= 0n && offset < BigInt(ram.size) ? ram.offset + Number(offset) : undefined;
  }

  /** Places of the bytes, page by page, up to one that is not RAM. */
  #pieces(vcpu: number, space: AddressSpace, address: bigint, length: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let done = 0; done < length; ) {
      const from = BigInt.asUintN(64, address + BigInt(done));
      const size = Math.min(length - done, PAGE - Number(from % BigInt(PAGE)));
      const at = this.#locate(vcpu, space, from);
      if (at === undefined) break;
      pieces.push(this.#bytes.subarray(at, at + size));
      done += size;
    }
    return pieces;
  }

  readMemory(vcpu: number, space: AddressSpace, address: bigint, length: number): Uint8Array {
    const pieces = this.#pieces(vcpu, space, address, length);
    const read = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      read.set(piece, at);
      at += piece.length;
    }
    return read;
  }

  writeMemory(vcpu: number, space: AddressSpace, address: bigint, bytes: Uint8Array): boolean {
    const pieces = this.#pieces(vcpu, space, address, bytes.length);
    if (pieces.reduce((sum, piece) => sum + piece.length, 0) < bytes.length) return false;
    let at = 0;
    for (const piece of pieces) {
      piece.set(bytes.subarray(at, at + piece.length));
      at += piece.length;
      // The page may contain code.
      const page = (piece.byteOffset - this.#memory.ram.offset) >>> PAGE_SHIFT;
      this.#started?.exports.invalidatePage(this.#blocks[vcpu]?.at ?? 0, page);
    }
    return true;
  }

  setBreakpoints(addresses: readonly bigint[]): boolean {
    if (addresses.length > ARM64_DEBUGGER_BREAKPOINTS_MAX) return false;
    this.#breakpoints = addresses;
    this.#apply();
    return true;
  }

  setWatchpoints(watchpoints: readonly Watchpoint[]): boolean {
    if (watchpoints.length > ARM64_DEBUGGER_WATCHPOINTS_MAX) return false;
    this.#watchpoints = watchpoints;
    this.#apply();
    return true;
  }

  /** Writes the current points to the blocks, which the TLBs take into account. */
  #apply(): void {
    for (const block of this.#blocks) {
      block.setWord(ARM64_DEBUGGER_BREAKPOINT_COUNT, this.#breakpoints.length);
      block.setWord(ARM64_DEBUGGER_WATCHPOINT_COUNT, this.#watchpoints.length);
      for (const [n, address] of this.#breakpoints.entries())
        block.setLong(ARM64_DEBUGGER_BREAKPOINTS + 8 * n, address);
      for (const [n, { address, length, accesses }] of this.#watchpoints.entries()) {
        const at = ARM64_DEBUGGER_WATCHPOINTS + ARM64_DEBUGGER_WATCHPOINT_SIZE * n;
        block.setLong(at, address);
        block.setWord(at + 8, length);
        block.setWord(at + 12, ACCESSES[accesses]);
      }
      this.#started?.exports.flushAll(block.at);
    }
  }
}
