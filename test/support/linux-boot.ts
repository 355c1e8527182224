// SPDX-License-Identifier: MIT
// Boots of the built kernel, and the output of a healthy one.

import { expect } from 'vitest';
import { type LinuxRun, type LinuxRunOptions, runLinux } from '../../cli/linux-run.ts';
import { DEBUG, firstMissing, landmarks, TROUBLE } from '../../scripts/linux/boot-output.mjs';
import { furtherFiles } from '../../scripts/linux/initial-ram-disk.mjs';
import { builtKernel } from './linux-kernel.ts';

export { DEBUG, landmarks, TROUBLE };

const commandLine = (run: string, append: string) =>
  `console=ttyAMA0 ignore_loglevel ${append} vsmmu.run="${run}"`;

/**
 * The kernel and the files for kexec: /Image and /initrd are its own, /line is the
 * command line.
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
 * @param append addition to its command line.
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
  const found = firstMissing(text, expected);
  if (found) expect(found.rest, 'after what was found').toMatch(found.missing);
}
