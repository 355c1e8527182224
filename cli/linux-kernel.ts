// SPDX-License-Identifier: MIT
// `vsmmu boot linux`: the kernel and the initial RAM disk that `npm run linux:build` makes.

import { existsSync } from 'node:fs';
import type { BootSettings } from './boot-settings.ts';
import { builtFile } from './built-kernel.ts';
import { UsageError } from './cli-error.ts';
import { refuseOptions } from './refuse-options.ts';

/** The guest that stands for that kernel. */
export const LINUX = 'linux';

const CONSOLE = 'console=ttyAMA0';

/**
 * Files of a kernel and its initial RAM disk: those that are given, or the ones that were built.
 * @throws {UsageError} when none was built.
 */
export function linuxFiles(
  kernel = builtFile('Image'),
  initrd = builtFile('initramfs.cpio'),
): { readonly kernel: string; readonly initrd: string } {
  if (kernel === builtFile('Image') && !existsSync(kernel)) {
    throw new UsageError(
      'no kernel is built: npm run linux:build in a checkout of vsmmu builds one, or give ' +
        '--kernel FILE --initrd FILE',
    );
  }
  return { kernel, initrd };
}

/** linux/init.sh finds the commands on the kernel's command line, in quotes. */
function runArgument(run: string | undefined): string {
  if (run === undefined) return '';
  if (/["\n]/.test(run)) throw new UsageError('--run is one line, without double quotes');
  return ` vsmmu.run="${run}"`;
}

/**
 * The settings of a run in which "linux" has become a kernel's file, with what it boots from.
 * @throws {UsageError} when options do not go together, or there is no kernel.
 */
export function withLinux(settings: BootSettings): BootSettings {
  const { guest, arch = 'arm64', kernel, run, append } = settings;
  if (guest !== LINUX) {
    refuseOptions(settings, ['kernel', 'run'], 'is for linux: vsmmu boot linux');
    return settings;
  }
  if (arch !== 'arm64') throw new UsageError('linux is an arm64 kernel: it excludes --arch wasm');
  const files = linuxFiles(kernel, settings.initrd);
  const line = [CONSOLE, append].filter((part) => part !== undefined).join(' ');
  const { kernel: _, run: __, ...others } = settings;
  return {
    ...others,
    guest: files.kernel,
    arch,
    initrd: files.initrd,
    append: `${line}${runArgument(run)}`,
  };
}
