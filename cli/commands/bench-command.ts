// SPDX-License-Identifier: MIT
// The subcommand `bench`: what an unmap costs a Linux kernel.

import type { Command } from 'commander';
import { namedImageError, readSource } from '../../vmm/api/sources.ts';
import { UsageError } from '../cli-error.ts';
import { jsonLine } from '../json-line.ts';
import {
  benchLinux,
  benchQemu,
  type LinuxBenchPlan,
  type LinuxBenchRow,
  QUICK_PLAN,
  WHOLE_PLAN,
} from '../linux-bench.ts';
import { linuxFiles, refuseFlat } from '../linux-kernel.ts';
import { checkLinux } from '../linux-run.ts';

interface BenchOptions {
  readonly kernel?: string;
  readonly initrd?: string;
  readonly vcpus: string;
  readonly interpret: boolean;
  readonly quick: boolean;
  readonly json: boolean;
}

/** The columns of the table, with their widths: Markdown, to be pasted into a page. */
const COLUMNS = [
  ['way', 13],
  ['strict', 6],
  ['RIL', 3],
  ['threads', 7],
  ['pages', 5],
  ['unmap ns', 8],
  ['instructions', 12],
  ['map ns', 7],
  ['turn ns', 7],
  ['unmaps', 8],
  ['exits/unmap', 11],
] as const;

/** A line of the table; numbers are to the right. */
const lineText = (cells: readonly string[]) =>
  `| ${COLUMNS.map(([, width], i) => {
    const cell = cells[i] ?? '';
    return i === 0 ? cell.padEnd(width) : cell.padStart(width);
  }).join(' | ')} |`;

const HEAD = [
  lineText(COLUMNS.map(([name]) => name)),
  `|${COLUMNS.map(([, width], i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`,
].join('\n');

const yesNo = (value: boolean) => (value ? 'yes' : 'no');
const rounded = (value: number | undefined) => (value === undefined ? '' : value.toFixed(0));

const rowText = (row: LinuxBenchRow): string =>
  lineText([
    row.way,
    yesNo(row.strict),
    yesNo(row.ranges),
    String(row.threads),
    String(row.granule),
    rounded(row.unmapNs),
    rounded(row.unmapInstructions),
    rounded(row.mapNs),
    rounded(row.turnNs),
    rounded(row.unmaps),
    row.exits === undefined ? '' : row.exits.toFixed(2),
  ]);

function planOf({ vcpus, quick, interpret }: BenchOptions): LinuxBenchPlan {
  const count = Number(vcpus);
  if (!/^[1-8]$/.test(vcpus)) throw new UsageError(`--vcpus must be 1 to 8, not ${vcpus}`);
  return { ...(quick ? QUICK_PLAN : WHOLE_PLAN), vcpus: count, translate: !interpret };
}

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure what an unmap costs in a Linux kernel, and on QEMU if it is installed')
    .argument('<what>', '"linux": the kernel of npm run linux:build')
    .option('--kernel <file>', 'another kernel')
    .option('--initrd <file>', 'another initial RAM disk')
    .option('--vcpus <n>', 'vCPUs of the machine', '1')
    .option('--interpret', 'translate nothing to WebAssembly, like boot --no-translate', false)
    .option('--quick', 'measure six combinations instead of all', false)
    .option('--json', 'print one JSON object', false)
    .action(async (what: string, options: BenchOptions) => {
      if (what !== 'linux') throw new UsageError(`there is no benchmark ${what}; there is linux`);
      const plan = planOf(options);
      const files = linuxFiles(options.kernel, options.initrd);
      const kernel = await readSource(files.kernel);
      await refuseFlat(kernel, files.kernel);
      const initrd = await readSource(files.initrd, 'initrd');
      await checkLinux({ kernel, initrd, append: '', vcpus: plan.vcpus }).catch(
        (error: unknown) => {
          throw namedImageError(error, { guest: files.kernel, initrd: files.initrd });
        },
      );
      const rows: LinuxBenchRow[] = [];
      const add = (row: LinuxBenchRow) => {
        rows.push(row);
        if (!options.json) process.stdout.write(`${rowText(row)}\n`);
      };
      if (!options.json) process.stdout.write(`${HEAD}\n`);
      await benchLinux({ kernel, initrd }, plan, add);
      const hasQemu = await benchQemu(files, plan, add);
      if (options.json) process.stdout.write(jsonLine({ rows }));
      else if (!hasQemu)
        process.stdout.write('qemu-system-aarch64 is not installed: no comparison\n');
    });
}
