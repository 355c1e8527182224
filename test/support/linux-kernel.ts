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

/** Offset of a function in the Image. */
export function offsetOfSymbol(name: string): number {
  const map = readFileSync(join(FOLDER, 'System.map'), 'utf8');
  // All of them agree in the upper half.
  const lowHalf = (symbol: string) => {
    const address = new RegExp(`^[0-9a-f]{8}([0-9a-f]{8}) . ${symbol}$`, 'm').exec(map)?.[1];
    if (address === undefined) throw new Error(`the kernel has no ${symbol}`);
    return Number.parseInt(address, 16);
  };
  return lowHalf(name) - lowHalf('_text');
}
