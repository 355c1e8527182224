// SPDX-License-Identifier: MIT
// Runs a kernel on QEMU's board virt with its SMMUv3, for comparison; its clock is the computer's.

import { execFile } from 'node:child_process';
import { BENCHMARK_RESULT } from './linux-run.ts';

const QEMU = 'qemu-system-aarch64';
const TIMEOUT_MS = 600_000;
const MOST_OUTPUT = 2 ** 24;

/** A processor without floating point, like ours; QEMU 7.2 has it, newer versions do not. */
const MACHINE = [
  ...['-M', 'virt,gic-version=3,iommu=smmuv3', '-cpu', 'cortex-a57,vfp=off,neon=off'],
  ...['-m', '256', '-nographic', '-net', 'none', '-no-reboot', '-device', 'pci-testdev,addr=1'],
];

export interface QemuRunOptions {
  /** Paths. */
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  readonly vcpus: number;
}

export interface QemuRun {
  /** The kernel's own results, in ns. */
  readonly benchmarks: readonly { readonly mapNs: number; readonly unmapNs: number }[];
  /** Time from QEMU's start to the first output, in ns: with `quiet`, init's. */
  readonly firstOutputNs: number | undefined;
}

function benchmarksOf(stdout: string): QemuRun['benchmarks'] {
  return stdout
    .split('\n')
    .map((line) => BENCHMARK_RESULT.exec(line.trimEnd()))
    .filter((result) => result !== null)
    .map(([, map, unmap]) => ({ mapNs: Number(map), unmapNs: Number(unmap) }));
}

/**
 * Returns what the kernel did, or undefined if QEMU is not installed.
 * @throws {Error} if QEMU fails.
 */
export function runQemu({
  kernel,
  initrd,
  append,
  vcpus,
}: QemuRunOptions): Promise<QemuRun | undefined> {
  const args = [...MACHINE, '-smp', String(vcpus)];
  args.push('-kernel', kernel, '-initrd', initrd, '-append', append);
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let firstOutputNs: number | undefined;
    const child = execFile(
      QEMU,
      args,
      { timeout: TIMEOUT_MS, maxBuffer: MOST_OUTPUT },
      (error, stdout) => {
        if (error && 'code' in error && error.code === 'ENOENT') return resolve(undefined);
        if (error) return reject(new Error(`${QEMU}: ${error.message.slice(-500)}`));
        resolve({ benchmarks: benchmarksOf(stdout), firstOutputNs });
      },
    );
    child.stdout?.once('data', () => {
      firstOutputNs = (performance.now() - start) * 1e6;
    });
    child.stdin?.end();
  });
}
