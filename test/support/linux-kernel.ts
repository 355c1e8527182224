// SPDX-License-Identifier: MIT
// The kernel that `npm run linux:build` has built, if it exists.

import { existsSync, readFileSync } from 'node:fs';
import { builtFile } from '../../cli/built-kernel.ts';

const IMAGE = builtFile('Image');
const INITRD = builtFile('initramfs.cpio');
/** The instruction RET. */
const RET = 0xd65f03c0;

export const isKernelBuilt = existsSync(IMAGE) && existsSync(INITRD);

/** The files for `runLinux`. */
export const builtKernel = () => ({
  kernel: new Uint8Array(readFileSync(IMAGE)),
  initrd: new Uint8Array(readFileSync(INITRD)),
});

/** Offset of a function in the Image. */
function offsetOfSymbol(name: string): number {
  const map = readFileSync(builtFile('System.map'), 'utf8');
  // All of them have the same upper half.
  const lowHalf = (symbol: string) => {
    const address = new RegExp(`^[0-9a-f]{8}([0-9a-f]{8}) . ${symbol}$`, 'm').exec(map)?.[1];
    if (address === undefined) throw new Error(`the kernel has no ${symbol}`);
    return Number.parseInt(address, 16);
  };
  return lowHalf(name) - lowHalf('_text');
}

/** The same, with a function of the kernel replaced by a return. */
export function kernelWithout(name: string): ReturnType<typeof builtKernel> {
  const built = builtKernel();
  new DataView(built.kernel.buffer).setUint32(offsetOfSymbol(name), RET, true);
  return built;
}
