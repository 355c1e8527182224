// SPDX-License-Identifier: MIT
// `vsmmu bench linux`: measures the cost of an unmap in a Linux kernel, for each path of its
// invalidations.

import { type LinuxPath, type LinuxRunOptions, runLinux } from './linux-run.ts';
import { runQemu } from './qemu-run.ts';

const CONSOLE = 'console=ttyAMA0 quiet';

/** A way of invalidating: path, addition to the kernel's command line, commands to run before. */
interface Way {
  readonly name: string;
  readonly path: LinuxPath;
  readonly append: string;
  readonly before: string;
}

const CMDQV = { path: 'direct', append: '' } as const;
const WAYS: readonly Way[] = [
  { ...CMDQV, name: 'CMDQV', before: '' },
  { ...CMDQV, name: 'bypass_vcmdq', before: 'bypass Y; ' },
  { ...CMDQV, name: 'disable_cmdqv', append: 'arm_smmu_v3.disable_cmdqv=1', before: '' },
  { name: 'overlay', path: 'overlay', append: '', before: '' },
];

/** The combinations to measure. */
export interface LinuxBenchPlan {
  readonly threads: readonly number[];
  /** Pages of a mapping. */
  readonly granules: readonly number[];
  readonly strict: readonly boolean[];
  /** Whether the SMMU has range invalidation; without it, it is like Grace's. */
  readonly ranges: readonly boolean[];
  readonly ways: readonly string[];
  /** Time of the guest for each cell. */
  readonly milliseconds: number;
  readonly vcpus: number;
  /** Translate frequently executed code to WebAssembly. */
  readonly translate: boolean;
}

/** Each strict cell unmaps a million times: the slowest map and unmap take 6,000 instructions. */
export const WHOLE_PLAN: LinuxBenchPlan = {
  threads: [1, 2, 4],
  granules: [1, 16],
  strict: [true, false],
  ranges: [true, false],
  ways: WAYS.map(({ name }) => name),
  milliseconds: 6000,
  vcpus: 1,
  translate: true,
};

/** Six cells. */
export const QUICK_PLAN: LinuxBenchPlan = {
  ...WHOLE_PLAN,
  threads: [1],
  strict: [true],
  ranges: [true],
  ways: ['CMDQV', 'bypass_vcmdq', 'overlay'],
  milliseconds: 500,
};

/** Time of the guest for the first cell, during which hot code is translated. */
const WARM_UP_MILLISECONDS = 500;
/** Seconds after which a boot, with all of its cells, is stopped. */
const TIMEOUT = 3600;

/** A cell of the table. */
export interface LinuxBenchRow {
  readonly way: string;
  readonly strict: boolean;
  readonly ranges: boolean;
  readonly threads: number;
  readonly granule: number;
  /** Instructions of an unmap and of a map, measured by the kernel in steps of 100; not for QEMU. */
  readonly unmapInstructions?: number;
  readonly mapInstructions?: number;
  /** The same in ns of the computer's time. */
  readonly unmapNs: number;
  readonly mapNs: number;
  /**
   * One turn of the kernel's loop, which maps and unmaps, in ns of the computer's time: the
   * cell's duration by the number of unmaps. Unknown for QEMU and for a lazy domain.
   */
  readonly turnNs?: number;
  /** Number of unmaps; unknown for a lazy domain. */
  readonly unmaps?: number;
  /** Exits per unmap for its invalidation; unknown for QEMU and for a lazy domain. */
  readonly exits?: number;
}

interface Cell {
  readonly threads: number;
  readonly granule: number;
}

const cellsOf = ({ threads, granules }: LinuxBenchPlan): Cell[] =>
  threads.flatMap((count) => granules.map((granule) => ({ threads: count, granule })));

/** Commands for all cells, after a warm-up cell. */
const runText = (before: string, cells: readonly Cell[], milliseconds: number) =>
  [
    `${before}bench 1 ${WARM_UP_MILLISECONDS} 1`,
    ...cells.map(({ threads, granule }) => `bench ${threads} ${milliseconds} ${granule}`),
  ].join('; ');

const appendText = (append: string, strict: boolean, run: string) =>
  `${CONSOLE} iommu.strict=${strict ? 1 : 0} ${append} vsmmu.run="${run}"`;

/**
 * Measures cells, one boot for each way, strictness and kind of SMMU.
 * @param onRow called with each cell when it has been measured.
 * @throws {Error} if a kernel does not print the expected results.
 */
export async function benchLinux(
  kernel: Pick<LinuxRunOptions, 'kernel' | 'initrd'>,
  plan: LinuxBenchPlan,
  onRow: (row: LinuxBenchRow) => void,
): Promise<void> {
  const cells = cellsOf(plan);
  const { milliseconds, vcpus, translate } = plan;
  for (const strict of plan.strict)
    for (const ranges of plan.ranges)
      for (const way of WAYS.filter(({ name }) => plan.ways.includes(name))) {
        const run = await runLinux({
          ...kernel,
          path: way.path,
          append: appendText(way.append, strict, runText(way.before, cells, milliseconds)),
          idRegisters: ranges ? 'default' : 'grace',
          vcpus,
          translate,
          timeout: TIMEOUT,
        });
        const [warmUp, ...benchmarks] = run.benchmarks;
        if (!warmUp || benchmarks.length !== cells.length)
          throw new Error(`the kernel did not do its benchmarks:\n${run.console.slice(-1000)}`);
        for (const [i, one] of benchmarks.entries()) {
          const hostPerGuest = one.hostNs / one.guestNs;
          onRow({
            way: way.name,
            strict,
            ranges,
            ...(cells[i] as Cell),
            unmapInstructions: one.unmapNs,
            mapInstructions: one.mapNs,
            unmapNs: one.unmapNs * hostPerGuest,
            mapNs: one.mapNs * hostPerGuest,
            ...(strict
              ? {
                  unmaps: one.syncs,
                  exits: one.exits / one.syncs,
                  turnNs: one.hostNs / one.syncs,
                }
              : {}),
          });
        }
      }
}

/**
 * Measures the same kernel on QEMU, whose SMMU has ranges and one CMDQ that traps.
 * @returns false if QEMU is not installed.
 */
export async function benchQemu(
  files: { readonly kernel: string; readonly initrd: string },
  plan: LinuxBenchPlan,
  onRow: (row: LinuxBenchRow) => void,
): Promise<boolean> {
  const cells = cellsOf(plan);
  for (const strict of plan.strict) {
    const run = runText('', cells, plan.milliseconds);
    const result = await runQemu({
      ...files,
      vcpus: plan.vcpus,
      append: appendText('', strict, run),
    });
    if (!result) return false;
    for (const [i, one] of result.benchmarks.slice(1).entries())
      onRow({ way: 'QEMU', strict, ranges: true, ...(cells[i] as Cell), ...one });
  }
  return true;
}
