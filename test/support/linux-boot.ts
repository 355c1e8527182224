// SPDX-License-Identifier: MIT
// Boots of the built kernel, and the output of a healthy one.

import { expect } from 'vitest';
import { type LinuxRun, type LinuxRunOptions, runLinux } from '../../cli/linux-run.ts';
import { furtherFiles } from '../../scripts/linux/initial-ram-disk.mjs';
import { builtKernel } from './linux-kernel.ts';

/**
 * What a boot prints, in this order.
 * @param entries of each queue.
 */
export const landmarks = (entries: number): readonly RegExp[] => [
  /iommu: Default domain type: Translated/,
  /iommu: DMA domain TLB invalidation policy: strict mode/,
  /arm-smmu-v3 9050000\.iommu: found companion CMDQV device: b000000\.cmdqv/,
  /oas 48-bit \(features 0x/,
  ...['cmdq', 'evtq', 'vcmdq0', 'vcmdq1'].map(
    (queue) => new RegExp(`allocated ${entries} entries for ${queue}$`, 'm'),
  ),
  /9200000\.dma-engine: Adding to iommu group 0/,
];

/** What a healthy one does not print. */
export const TROUBLE =
  /WARNING|BUG:|Oops|Call trace|CMD_SYNC timeout|failed to|unexpected|errno|taint [^0]/;

/** Has the driver say that it has found the CMDQV. */
export const DEBUG = 'dyndbg="file arm-smmu-v3.c +p"';

const commandLine = (run: string, append: string) =>
  `console=ttyAMA0 ignore_loglevel ${append} vsmmu.run="${run}"`;

/**
 * The kernel with what kexec starts: /Image and /initrd are itself, /line is its command line.
 * @param run shell commands of the second one.
 */
export function kernelForKexec(run: string): ReturnType<typeof builtKernel> {
  const { kernel, initrd } = builtKernel();
  const line = Buffer.from(commandLine(run, DEBUG));
  const files = furtherFiles({ Image: kernel, initrd, line });
  return { kernel, initrd: new Uint8Array(Buffer.concat([initrd, files])) };
}

/**
 * Boots the kernel.
 * @param run shell commands.
 * @param append more of its command line.
 */
export function boot(
  run: string,
  append = '',
  options: Partial<LinuxRunOptions> = {},
): Promise<LinuxRun> {
  return runLinux({ ...builtKernel(), append: commandLine(run, append), ...options });
}

/** Each of these occurs, after the previous one. */
export function expectInOrder(text: string, expected: readonly RegExp[]): void {
  let rest = text;
  for (const landmark of expected) {
    const at = rest.search(landmark);
    if (at < 0) expect(rest, `behind what was found`).toMatch(landmark);
    rest = rest.slice(at);
  }
}
