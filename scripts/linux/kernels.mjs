// SPDX-License-Identifier: MIT
// The kernels that `npm run linux:all` builds and boots.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LINUX_CACHE } from './debian-packages.mjs';

const BUILD = fileURLToPath(new URL('./build-kernel.mjs', import.meta.url));
const configFile = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../../linux/${name}`, import.meta.url));

/** @typedef {{ readonly name: string, readonly options: readonly string[] }} Kernel */

/** The one of `npm run linux:build` without arguments. */
export const KERNEL = { name: 'linux', options: [] };
/**
 * Names of kernels with the arguments of `npm run linux:build`. All have SVA and IOMMUFD.
 */
export const KERNELS = [
  KERNEL,
  { name: 'linux-48', options: ['--va-bits', '48'] },
  { name: 'linux-16k', options: ['--pages', '16k'] },
  { name: 'linux-64k', options: ['--pages', '64k'] },
];
export const KUNIT_KERNEL = {
  name: 'linux-kunit',
  options: ['--config', configFile('kunit.config')],
};

/** Builds a kernel if its source or its options have changed. @param {Kernel} kernel */
export function buildKernel({ name, options }) {
  execFileSync(process.execPath, [BUILD, '--name', name, ...options], { stdio: 'inherit' });
}

/** The paths of a kernel, which is built if there is none. @param {Kernel} kernel */
export function builtPaths(kernel) {
  const folder = join(LINUX_CACHE, 'built', kernel.name);
  const paths = { kernel: join(folder, 'Image'), initrd: join(folder, 'initramfs.cpio') };
  if (!Object.values(paths).every((path) => existsSync(path))) buildKernel(kernel);
  return paths;
}

/** The same, as bytes. @param {Kernel} kernel */
export function builtKernel(kernel) {
  const paths = builtPaths(kernel);
  return {
    kernel: new Uint8Array(readFileSync(paths.kernel)),
    initrd: new Uint8Array(readFileSync(paths.initrd)),
  };
}
