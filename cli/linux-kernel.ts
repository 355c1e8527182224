// SPDX-License-Identifier: MIT
// `vsmmu boot linux`: the kernel and the initial RAM disk that `npm run linux:build` builds.

import { existsSync } from 'node:fs';
import { hasNoFormat } from '../vmm/boot/index.ts';
import type { BootSettings } from './boot-settings.ts';
import { builtFile } from './built-kernel.ts';
import { UsageError } from './cli-error.ts';
import { refuseOptions } from './refuse-options.ts';

/** The guest name that selects that kernel. */
export const LINUX = 'linux';

const CONSOLE = 'console=ttyAMA0';

/**
 * A flat binary boots as such a guest, but is no Linux: it would fail without a word.
 * @param name the kernel's path or URL.
 * @throws {UsageError} when it is one. Other errors of the file are reported when it is loaded.
 */
export async function refuseFlat(kernel: Uint8Array<ArrayBuffer>, name: string): Promise<void> {
  if (!(await hasNoFormat(kernel))) return;
  throw new UsageError(
    `${name}: not a Linux kernel for arm64: it must be an Image, an EFI zboot file or a ` +
      'vmlinux, packed by gzip or not',
  );
}

/**
 * Files of a kernel and its initial RAM disk: the given ones, otherwise those that were built.
 * @throws {UsageError} if none were built.
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

/** linux/init.sh reads the commands from the kernel's command line, in quotes. */
function runArgument(run: string | undefined): string {
  if (run === undefined) return '';
  if (run.trim() === '')
    throw new UsageError('--run has no command: leave it out for a shell on the terminal');
  if (/["\n]/.test(run)) throw new UsageError('--run must be one line without double quotes');
  return ` vsmmu.run="${run}"`;
}

/**
 * The settings of a run, with "linux" replaced by the files of the kernel.
 * @throws {UsageError} if options exclude each other, or if there is no kernel.
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
