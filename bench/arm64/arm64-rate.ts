// SPDX-License-Identifier: MIT
// Instructions per second of CPU time of the arm64 CPU, next to those of
// qemu-system-aarch64 where it is installed.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ARM64_EXIT_HLT, ARM64_EXIT_SLICE } from '../../assembly/layout/arm64-results.ts';
import {
  ARM64_COUNT,
  ARM64_PC,
  ARM64_POOL,
  ARM64_RAM,
  ARM64_RAM_GPA,
  ARM64_RAM_SIZE,
  ARM64_X,
} from '../../assembly/layout/arm64-state.ts';
import { type Arm64Exports, loadArm64 } from '../../assembly/load.ts';
import { Arm64Block, createArm64Memory } from '../../vmm/vcpu/arm64/index.ts';
import { createRegionTable } from '../../vmm/vcpu/arm64/region-table.ts';
import { Arm64Regions } from '../../vmm/vcpu/arm64/translator/index.ts';
import { median } from '../measure.ts';
import {
  compilePrograms,
  isInstalled,
  type MeasuredProgram,
  PROGRAM_GPA,
} from './arm64-programs.ts';

/** Millions of instructions per second of CPU time. */
export interface Arm64Row {
  readonly name: string;
  readonly what: string;
  readonly mips: number;
  /** The rate with all instructions interpreted. */
  readonly interpreted: number;
  /** The rate of QEMU; undefined when it is not installed. */
  readonly qemu?: number;
}

export interface Arm64Results {
  readonly rows: readonly Arm64Row[];
  /**
   * Milliseconds of a run until the optimised code runs, and the CPU time until then,
   * including its compilation.
   */
  readonly tierUp: { readonly wallMs: number; readonly cpuMs: number };
}

const QEMU = 'qemu-system-aarch64';
const RAM = { base: 0x40000000, size: 16 << 20 };
const TRIES = 3;
/** Instructions of a slice: short until the optimised code runs. */
const SHORT_SLICE = 20_000;
const SLICE = 1_000_000;
/** Instructions before a run is measured. */
const WARM_UP = 200e6;
/** Slices that are searched for the start of the optimised code. */
const TIER_SLICES = 3000;

const cpuSeconds = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;

class BenchedCpu {
  readonly #exports: Arm64Exports;
  readonly #block: Arm64Block;
  readonly #bytes: Uint8Array;
  readonly #ram: number;
  readonly #regions: Arm64Regions | undefined;

  constructor(module: WebAssembly.Module, { image, entry }: MeasuredProgram, translate: boolean) {
    const { memory, cpus, pool, poolSize, ram } = createArm64Memory(1, RAM, 0);
    const table = createRegionTable();
    const board = { mmio: () => 0, register: () => 0, doorbell: () => undefined };
    const instance = new WebAssembly.Instance(module, {
      env: { memory, table },
      board,
    });
    this.#exports = instance.exports as unknown as Arm64Exports;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#ram = ram.offset;
    const block = new Arm64Block(memory, cpus);
    this.#block = block;
    block.setWord(ARM64_RAM, ram.offset);
    block.setWord(ARM64_RAM_SIZE, ram.size);
    block.setLong(ARM64_RAM_GPA, BigInt(ram.gpa));
    block.setWord(ARM64_POOL, pool);
    this.#exports.resetPool(pool, poolSize, ram.size);
    this.#exports.reset(cpus);
    if (translate) {
      this.#regions = new Arm64Regions({ memory, table, pool, ram, exports: this.#exports });
      this.#regions.watch(block);
    }
    this.#bytes.set(image, ram.offset + PROGRAM_GPA - RAM.base);
    block.setLong(ARM64_PC, entry);
  }

  get count(): number {
    return Number(this.#block.long(ARM64_COUNT));
  }

  /** Runs a slice. True while the program has not ended. */
  run(instructions: number): boolean {
    const exit = this.#exports.run(this.#block.at, instructions);
    if (this.#regions?.translateHot(this.#block) === false)
      throw new Error('the regions of a benchmark do not fit');
    if (exit !== ARM64_EXIT_SLICE && exit !== ARM64_EXIT_HLT)
      throw new Error(`a benchmark has left the CPU with ${exit}`);
    return exit === ARM64_EXIT_SLICE;
  }

  /** The text that the program, which has ended, printed by semihosting. */
  get printed(): string {
    const at = this.#ram + Number(this.#block.long(ARM64_X + 8)) - RAM.base;
    return String.fromCharCode(...this.#bytes.subarray(at, at + 16));
  }
}

/**
 * Runs a program to its end: MIPS after the warm-up, number of instructions, and output.
 */
function runOnce(module: WebAssembly.Module, program: MeasuredProgram, translate: boolean) {
  const cpu = new BenchedCpu(module, program, translate);
  while (cpu.count < WARM_UP && cpu.run(SHORT_SLICE));
  const [start, from] = [process.cpuUsage(), cpu.count];
  while (cpu.run(SLICE));
  const seconds = cpuSeconds(process.cpuUsage(start));
  return { mips: (cpu.count - from) / 1e6 / seconds, count: cpu.count, printed: cpu.printed };
}

/** CPU seconds of QEMU with an ELF executable, and its output. */
async function runQemu(elf: string): Promise<{ seconds: number; printed: string }> {
  const machine = ['-M', 'virt', '-cpu', 'cortex-a57', '-m', '64', '-semihosting'];
  const quiet = ['-display', 'none', '-net', 'none', '-serial', 'none', '-monitor', 'none'];
  const command = [QEMU, ...machine, ...quiet, '-device', `loader,file=${elf},cpu-num=0`];
  const script = 'TIMEFORMAT="%U %S"; time "$@"';
  const { stderr, stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', ...command]);
  const times = stderr.trim().split('\n').at(-1) ?? '';
  const seconds = times.split(' ').reduce((sum, part) => sum + Number(part), 0);
  return { seconds, printed: `${stdout}${stderr}`.slice(0, 16) };
}

async function measureProgram(
  module: WebAssembly.Module,
  program: MeasuredProgram,
  hasQemu: boolean,
): Promise<Arm64Row> {
  const { name, what, elf, idle } = program;
  const ours: ReturnType<typeof runOnce>[] = [];
  const interpreted: number[] = [];
  const theirs: number[] = [];
  const starts: number[] = [];
  for (let i = 0; i < TRIES; i++) {
    const own = runOnce(module, program, true);
    const plain = runOnce(module, program, false);
    if (own.printed !== plain.printed || own.count !== plain.count)
      throw new Error(`${name}: translated code and the interpreter disagree`);
    ours.push(own);
    interpreted.push(plain.mips);
    if (!hasQemu) continue;
    starts.push((await runQemu(idle)).seconds);
    const { seconds, printed } = await runQemu(elf);
    if (printed !== own.printed)
      throw new Error(`${name}: the CPU says ${own.printed}, QEMU says ${printed}`);
    theirs.push(seconds);
  }
  const mips = Math.max(...ours.map((one) => one.mips));
  const millions = (ours[0]?.count ?? 0) / 1e6;
  const row = { name, what, mips, interpreted: Math.max(...interpreted) };
  if (!hasQemu) return row;
  return { ...row, qemu: millions / (Math.min(...theirs) - Math.min(...starts)) };
}

/**
 * Measures the time from the first instruction to the optimised code: the first of nine
 * slices whose median is below 1.4 times that of the last ones.
 */
function measureTierUp(module: WebAssembly.Module, program: MeasuredProgram) {
  const cpu = new BenchedCpu(module, program, false);
  const ends: { readonly at: number; readonly cpu: number }[] = [];
  const [from, used] = [performance.now(), process.cpuUsage()];
  for (let i = 0; i < TIER_SLICES && cpu.run(SHORT_SLICE); i++)
    ends.push({ at: performance.now() - from, cpu: 1000 * cpuSeconds(process.cpuUsage(used)) });
  const durations = ends.map(({ at }, i) => at - (ends[i - 1]?.at ?? 0));
  const typical = median(durations.slice(-200));
  const fast = durations.findIndex((_, i) => median(durations.slice(i, i + 9)) < 1.4 * typical);
  const end = ends[Math.max(0, fast)];
  return { wallMs: end?.at ?? 0, cpuMs: end?.cpu ?? 0 };
}

/** Runs all programs. Returns a line with the reason when nothing was measured. */
export async function measureArm64(): Promise<Arm64Results | string> {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-bench-'));
  try {
    const programs = await compilePrograms(folder);
    if (typeof programs === 'string') return programs;
    const module = await loadArm64();
    const [first] = programs;
    // Before any other run has caused this module to be compiled.
    const tierUp = first ? measureTierUp(module, first) : { wallMs: 0, cpuMs: 0 };
    const hasQemu = await isInstalled(QEMU);
    const rows: Arm64Row[] = [];
    for (const program of programs) rows.push(await measureProgram(module, program, hasQemu));
    return { rows, tierUp };
  } finally {
    await rm(folder, { recursive: true });
  }
}
