// SPDX-License-Identifier: MIT
// One arm64 vCPU and some RAM, in which sequences of instructions run at EL0 with the MMU
// on: all addresses of RAM are mapped to themselves.

import { readFileSync } from 'node:fs';
import { ARM64_POOL_TABLE } from '../../assembly/layout/arm64-records.ts';
import {
  ARM64_BANK,
  ARM64_BANK_STRIDE,
  ARM64_DAIF,
  ARM64_EL,
  ARM64_NZCV,
  ARM64_PC,
  ARM64_POOL,
  ARM64_RAM,
  ARM64_RAM_GPA,
  ARM64_RAM_SIZE,
  ARM64_SP,
  ARM64_SPSEL,
  ARM64_TIME_RATE,
  ARM64_VCPU_SIZE,
  ARM64_X,
  BANK_MAIR,
  BANK_SCTLR,
  BANK_TCR,
  BANK_TTBR0,
} from '../../assembly/layout/arm64-state.ts';
import type { Arm64Exports } from '../../assembly/load.ts';
import { Arm64Block, storageOffset } from '../../vmm/vcpu/arm64/arm64-block.ts';
import { createRegionTable } from '../../vmm/vcpu/arm64/region-table.ts';
import { Arm64Regions } from '../../vmm/vcpu/arm64/translator/index.ts';
import { CODE, DATA, DATA_SIZE, type Sequence, WINDOW, WINDOW_SIZE } from './sequences.ts';

/** Handlers of accesses to devices and to the board's registers. */
export interface Arm64Imports {
  mmio(cpu: number, isWrite: number): number;
  register(cpu: number, encoding: number, isWrite: number): number;
  doorbell?(id: number, offset: number): void;
}

const WASM = new URL('../../assembly/arm64.wasm', import.meta.url);
const NO_BOARD: Arm64Imports = { mmio: () => 0, register: () => 0 };

const CPU = 0x10_0000;
const POOL = CPU + ARM64_VCPU_SIZE;

/** A vCPU in a memory of its own. */
export class Arm64Machine {
  readonly memory: WebAssembly.Memory;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly cpu = CPU;
  readonly ram: number;
  readonly exports: Arm64Exports;
  readonly regions: Arm64Regions;
  readonly block: Arm64Block;
  readonly ramGpa: number;
  readonly ramSize: number;
  readonly poolSize: number;

  constructor({
    ramGpa = CODE,
    ramSize = 0x20_0000,
    poolSize = 0x40_0000,
    guard = 0,
    board = NO_BOARD,
  } = {}) {
    this.ram = POOL + poolSize;
    this.ramGpa = ramGpa;
    this.ramSize = ramSize;
    this.poolSize = poolSize;
    const pages = (this.ram + ramSize + guard) / 0x1_0000;
    const table = createRegionTable();
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.memory = memory;
    const module = new WebAssembly.Module(readFileSync(WASM));
    const instance = new WebAssembly.Instance(module, {
      env: { memory, table },
      board: { doorbell: () => undefined, ...board } as unknown as WebAssembly.ModuleImports,
    });
    this.exports = instance.exports as unknown as Arm64Exports;
    this.regions = new Arm64Regions({
      memory,
      table,
      pool: POOL,
      ram: { offset: this.ram, size: ramSize },
      exports: this.exports,
      mostOfPage: Number.POSITIVE_INFINITY,
      executedOnly: false,
      eager: true,
    });
    this.block = new Arm64Block(memory, CPU);
    this.view = new DataView(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
    this.view.setUint32(CPU + ARM64_RAM, this.ram, true);
    this.view.setUint32(CPU + ARM64_RAM_SIZE, ramSize, true);
    this.view.setBigUint64(CPU + ARM64_RAM_GPA, BigInt(ramGpa), true);
    this.view.setUint32(CPU + ARM64_POOL, POOL, true);
    this.view.setBigUint64(CPU + ARM64_TIME_RATE, 1n << 32n, true);
    this.exports.resetPool(POOL, poolSize, ramSize);
    this.exports.reset(CPU);
  }

  /** Translates a region from an instruction on; its page has been executed before. */
  translate(gpa: number): void {
    const page = Math.floor((gpa - this.ramGpa) / 0x1000);
    const base = this.view.getUint32(POOL + ARM64_POOL_TABLE + 4 * page, true);
    if (base === 0) throw new Error(`nothing of page ${page} has been executed`);
    if (!this.regions.translateAt(base, (gpa % 0x1000) / 4)) this.reclaim();
  }

  /** Empties the record pool: all regions are discarded. */
  reclaim(): void {
    this.exports.resetPool(POOL, this.poolSize, this.ramSize);
    this.exports.flushFetch(CPU);
    this.regions.reset();
  }

  /** Byte offset of a physical address in the memory. */
  at(gpa: number): number {
    return this.ram + gpa - this.ramGpa;
  }

  /** Memory before `start` and from `end` on is not used here. */
  outside(): { start: number; end: number } {
    return { start: CPU, end: this.ram + this.ramSize };
  }

  u32(offset: number): number {
    return this.view.getUint32(CPU + offset, true);
  }

  u64(offset: number): bigint {
    return this.view.getBigUint64(CPU + offset, true);
  }

  setU32(offset: number, value: number): void {
    this.view.setUint32(CPU + offset, value, true);
  }

  setU64(offset: number, value: bigint): void {
    this.view.setBigUint64(CPU + offset, value, true);
  }

  /** A register of EL1's bank. */
  setEl1(register: number, value: bigint): void {
    this.setU64(ARM64_BANK + ARM64_BANK_STRIDE + register, value);
  }

  el1(register: number): bigint {
    return this.u64(ARM64_BANK + ARM64_BANK_STRIDE + register);
  }
}

/** Stores words at consecutive physical addresses. */
export function write(machine: Arm64Machine, address: number, words: readonly number[]): void {
  words.forEach((word, i) => {
    machine.view.setUint32(machine.at(address + 4 * i), word, true);
  });
}

/**
 * Block descriptors: AttrIndx 0, inner shareable, AF. EL1 executes nothing that EL0 can
 * write.
 */
export const FLAT_EL1 = 0x701;
export const FLAT_EL0 = 0x741;
export const FLAT_READ_ONLY = 0x7c1;

const tableOf = (machine: Arm64Machine) => machine.ramGpa + machine.ramSize - 0x1000;

function mapGigabyte(machine: Arm64Machine, from: number, to: number, attributes: number): void {
  const block = (BigInt(to) << 30n) | BigInt(attributes);
  machine.view.setBigUint64(machine.at(tableOf(machine) + 8 * from), block, true);
}

/**
 * Maps the second GiB to the first one, with its own attributes. Call it before anything
 * is executed.
 */
export function mapAgain(machine: Arm64Machine, attributes = FLAT_EL0): void {
  mapGigabyte(machine, 1, 0, attributes);
}

/** The last page of RAM: a table that maps the first 4 GiB to themselves. */
export function mapFlat(machine: Arm64Machine, attributes = FLAT_EL0): void {
  for (let i = 0; i < 4; i++) mapGigabyte(machine, i, i, attributes);
  // 39-bit addresses, 4 KiB granule, no TTBR1, 40-bit output.
  machine.setEl1(BANK_TCR, (2n << 32n) | (1n << 23n) | 25n);
  machine.setEl1(BANK_TTBR0, BigInt(tableOf(machine)));
  machine.setEl1(BANK_MAIR, 0xffn);
  machine.setEl1(BANK_SCTLR, machine.el1(BANK_SCTLR) | 0xc00c001n);
  machine.exports.flushAll(machine.cpu);
}

/** State after a sequence: X0 to X30, SP, NZCV, hash of the window. */
export type Outcome = BigUint64Array;
export const OUTCOME_WORDS = 34;
const TPIDR_EL0 = storageOffset('TPIDR_EL0');
const HLT = 0xd440_0000;
/** Longer than any sequence: branches are forward only. */
const SLICE = 1000;

const MASK = (1n << 64n) - 1n;
function hashOf(machine: Arm64Machine): bigint {
  const start = machine.at(WINDOW);
  let [low, high] = [0x84222325, 0xcbf29ce4];
  // FNV-1a of 64-bit words, in halves: (high:low) * 0x100000001b3.
  for (let at = start; at < start + WINDOW_SIZE; at += 8) {
    low = (low ^ machine.view.getUint32(at, true)) >>> 0;
    high = (high ^ machine.view.getUint32(at + 4, true)) >>> 0;
    const product = low * 0x1b3;
    const carry = Math.floor(product / 2 ** 32);
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return ((BigInt(high) << 32n) | BigInt(low)) & MASK;
}

/** A machine in which sequences run. */
export function sequenceMachine(): Arm64Machine {
  const machine = new Arm64Machine();
  mapFlat(machine);
  for (let i = 0; i < DATA_SIZE; i += 4)
    machine.view.setUint32(machine.at(DATA + i), Math.imul(i, 2654435761), true);
  return machine;
}

/** A machine that is about to run a sequence. */
export function loadSequence(
  machine: Arm64Machine,
  { offset, words, registers, nzcv }: Sequence,
): void {
  const { exports, cpu } = machine;
  write(machine, CODE + offset, [...words, HLT]);
  for (const page of [0, 1]) exports.invalidatePage(cpu, page);
  registers.slice(0, 31).forEach((value, i) => {
    machine.setU64(ARM64_X + 8 * i, value);
  });
  machine.setU64(ARM64_X + 8 * 30, BigInt(CODE + offset));
  machine.setU64(ARM64_SP, registers[31] ?? 0n);
  machine.setU64(ARM64_PC, BigInt(CODE + offset));
  machine.setU32(ARM64_NZCV, nzcv);
  machine.setU64(TPIDR_EL0, 0n);
  machine.setU32(ARM64_EL, 0);
  machine.setU32(ARM64_SPSEL, 0);
  machine.setU32(ARM64_DAIF, 0);
}

/** The state of a machine between two runs. */
export function outcomeOf(machine: Arm64Machine): Outcome {
  const outcome = new BigUint64Array(OUTCOME_WORDS);
  for (let i = 0; i < 31; i++) outcome[i] = machine.u64(ARM64_X + 8 * i);
  outcome[31] = machine.u64(ARM64_SP);
  outcome[32] = BigInt(machine.u32(ARM64_NZCV));
  outcome[33] = hashOf(machine);
  return outcome;
}

/** Runs a sequence to its end, on request as regions. */
export function runSequence(
  machine: Arm64Machine,
  one: Sequence,
  { translate = false } = {},
): Outcome {
  loadSequence(machine, one);
  if (translate) machine.translate(CODE + one.offset);
  const exit = machine.exports.run(machine.cpu, SLICE);
  const outcome = outcomeOf(machine);
  if (exit !== 7 || machine.u32(ARM64_EL) !== 0)
    throw new Error(
      `exit ${exit} at EL${machine.u32(ARM64_EL)}, PC ${machine.u64(ARM64_PC).toString(16)}`,
    );
  return outcome;
}
