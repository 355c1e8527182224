// SPDX-License-Identifier: MIT
// `vsmmu bench linux`: what an unmap costs a Linux kernel, by the way that its invalidations take.

import { type LinuxPath, type LinuxRunOptions, runLinux } from './linux-run.ts';
import { runQemu } from './qemu-run.ts';

const CONSOLE = 'console=ttyAMA0 quiet';

/** A way that invalidations take: the machine, the kernel's command line, and what is done before. */
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

/** What is measured. */
export interface LinuxBenchPlan {
  readonly threads: readonly number[];
  /** Pages of a mapping. */
  readonly granules: readonly number[];
  readonly strict: readonly boolean[];
  /** Range invalidation: an SMMU that has it, or one as Grace's. */
  readonly ranges: readonly boolean[];
  readonly ways: readonly string[];
  /** Time of the guest for each cell. */
  readonly milliseconds: number;
  readonly vcpus: number;
  /** Code that is executed often becomes WebAssembly. */
  readonly translate: boolean;
}

export const WHOLE_PLAN: LinuxBenchPlan = {
  threads: [1, 2, 4],
  granules: [1, 16],
  strict: [true, false],
  ranges: [true, false],
  ways: WAYS.map(({ name }) => name),
  milliseconds: 500,
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
};

/** A cell of the table. */
export interface LinuxBenchRow {
  readonly way: string;
  readonly strict: boolean;
  readonly ranges: boolean;
  readonly threads: number;
  readonly granule: number;
  /** Instructions of an unmap and of a map, as the kernel measures them, in steps of 100; of QEMU unknown. */
  readonly unmapInstructions?: number;
  readonly mapInstructions?: number;
  /** The same in ns of the computer's time. */
  readonly unmapNs: number;
  readonly mapNs: number;
  /** Unmaps that were counted; of a lazy domain unknown. */
  readonly unmaps?: number;
  /** Exits of an unmap for its invalidation; of QEMU and of a lazy domain unknown. */
  readonly exits?: number;
}

interface Cell {
  readonly threads: number;
  readonly granule: number;
}

const cellsOf = ({ threads, granules }: LinuxBenchPlan): Cell[] =>
  threads.flatMap((count) => granules.map((granule) => ({ threads: count, granule })));

/** All cells, behind one that is not looked at: what the kernel executes often is compiled meanwhile. */
const runText = (before: string, cells: readonly Cell[], milliseconds: number) =>
  before +
  [{ threads: 1, granule: 1 }, ...cells]
    .map(({ threads, granule }) => `bench ${threads} ${milliseconds} ${granule}`)
    .join('; ');

const appendText = (append: string, strict: boolean, run: string) =>
  `${CONSOLE} iommu.strict=${strict ? 1 : 0} ${append} vsmmu.run="${run}"`;

/**
 * Measures cells, one boot for each way, strictness and kind of SMMU.
 * @param onRow told of each cell as it comes.
 * @throws {Error} when a kernel does not say what it should.
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
            ...(strict ? { unmaps: one.syncs, exits: one.exits / one.syncs } : {}),
          });
        }
      }
}

/**
 * Measures the same kernel on QEMU, whose SMMU has ranges and one CMDQ that traps.
 * @returns false when there is no QEMU here.
 */
export async function benchQemu(
  files: { readonly kernel: string; readonly initrd: string },
  plan: LinuxBenchPlan,
  onRow: (row: LinuxBenchRow) => void,
): Promise<boolean> {
  const cells = cellsOf(plan);
  for (const strict of plan.strict) {
    const run = runText('', cells, plan.milliseconds);
    const results = await runQemu({
      ...files,
      vcpus: plan.vcpus,
      append: appendText('', strict, run),
    });
    if (!results) return false;
    for (const [i, one] of results.slice(1).entries())
      onRow({ way: 'QEMU', strict, ranges: true, ...(cells[i] as Cell), ...one });
  }
  return true;
}
