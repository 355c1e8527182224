// The kernel that `npm run linux:build` has made, if it has.

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const { XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env;
const FOLDER = join(XDG_CACHE_HOME, 'vsmmu-linux', 'built', 'linux');
const IMAGE = join(FOLDER, 'Image');
const INITRD = join(FOLDER, 'initramfs.cpio');

export const isKernelBuilt = existsSync(IMAGE) && existsSync(INITRD);

/** What `runLinux` boots. */
export const builtKernel = () => ({
  kernel: new Uint8Array(readFileSync(IMAGE)),
  initrd: new Uint8Array(readFileSync(INITRD)),
});
