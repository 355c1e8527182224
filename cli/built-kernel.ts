// SPDX-License-Identifier: MIT
// Where scripts/linux/build-kernel.mjs puts what it makes.

import { homedir } from 'node:os';
import { join } from 'node:path';

/** @param name "Image", "initramfs.cpio", "System.map". */
export function builtFile(name: string): string {
  const { XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env;
  return join(XDG_CACHE_HOME, 'vsmmu-linux', 'built', 'linux', name);
}
