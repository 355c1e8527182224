// SPDX-License-Identifier: MIT
// The subcommand `bench`: what an unmap costs a Linux kernel.

import type { Command } from 'commander';
import { readSource } from '../../vmm/api/sources.ts';
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
import { linuxFiles } from '../linux-kernel.ts';

interface BenchOptions {
  readonly kernel?: string;
  readonly initrd?: string;
  readonly vcpus: string;
  readonly interpret: boolean;
  readonly quick: boolean;
  readonly json: boolean;
}

const HEAD =
  'way            strict  RIL  threads  pages   unmap ns  instructions     map ns  exits/unmap';

const yesNo = (value: boolean) => (value ? 'yes' : 'no');
const rounded = (value: number) => value.toFixed(0);

function rowText(row: LinuxBenchRow): string {
  const { exits, unmapInstructions } = row;
  return [
    row.way.padEnd(13),
    yesNo(row.strict).padStart(7),
    yesNo(row.ranges).padStart(4),
    String(row.threads).padStart(8),
    String(row.granule).padStart(6),
    rounded(row.unmapNs).padStart(10),
    (unmapInstructions === undefined ? '' : rounded(unmapInstructions)).padStart(13),
    rounded(row.mapNs).padStart(10),
    (exits === undefined ? '' : exits.toFixed(2)).padStart(12),
  ].join(' ');
}

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
      const initrd = await readSource(files.initrd, 'initrd');
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
