// SPDX-License-Identifier: MIT
// The folder into which scripts/linux/build-kernel.mjs writes its results.

import { homedir } from 'node:os';
import { join } from 'node:path';

/** @param name "Image", "initramfs.cpio", "System.map". */
export function builtFile(name: string): string {
  const { XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env;
  return join(XDG_CACHE_HOME, 'vsmmu-linux', 'built', 'linux', name);
}
