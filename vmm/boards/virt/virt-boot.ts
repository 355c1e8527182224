// SPDX-License-Identifier: MIT
// Contents of RAM before the first instruction: kernel, initrd and device tree, and the
// entry point of vCPU 0 (Linux: Documentation/arch/arm64/booting.rst).

import {
  type DeviceTreeNode,
  flattenDeviceTree,
  KernelImageError,
  type LoadedKernel,
  type LoadedSegment,
  loadKernel,
  placeBootFiles,
  type RamRange,
} from '../../boot/index.ts';
import type { ChosenOptions } from './virt-device-tree.ts';

/** The files that a machine boots. */
export interface VirtBootFiles {
  /**
   * An arm64 Image, an ELF executable or a flat binary; gzipped, or an EFI zboot file.
   */
  readonly kernel: Uint8Array<ArrayBuffer>;
  readonly initrd?: Uint8Array<ArrayBuffer> | undefined;
  /** The kernel's command line. Default: empty. */
  readonly append?: string;
}

/** A machine's initial memory. */
export interface VirtBoot {
  readonly format: LoadedKernel['format'];
  /** What to store, in this order, to RAM that is otherwise zero. */
  readonly segments: readonly LoadedSegment[];
  /** PC of vCPU 0: EL1h, DAIF masked, MMU and caches off, X1 to X3 zero. */
  readonly entry: number;
  /** X0 of vCPU 0: gpa of the device tree. */
  readonly deviceTree: number;
}

/** COMMAND_LINE_SIZE of arm64, without the NUL. */
const MAX_COMMAND_LINE = 2047;

function checkCommandLine(text: string): void {
  const size = new TextEncoder().encode(text).length;
  if (size > MAX_COMMAND_LINE) {
    throw new KernelImageError(
      'too-large',
      `the command line has ${size} bytes: a kernel takes ${MAX_COMMAND_LINE}`,
      { file: 'command-line' },
    );
  }
  if (text.includes('\0'))
    throw new KernelImageError('unsupported', 'the command line contains a NUL character', {
      file: 'command-line',
    });
}

/**
 * Builds the initial memory of a machine. The same files, seeds and machine give the same
 * bytes; a reset stores them again.
 * @param treeOf builds the device tree around the properties of /chosen.
 * @throws {KernelImageError} when a file cannot be booted, or they do not fit in RAM.
 */
export async function prepareVirtBoot(
  { kernel, initrd, append = '' }: VirtBootFiles,
  ram: RamRange,
  seeds: Pick<ChosenOptions, 'rngSeed' | 'kaslrSeed'>,
  treeOf: (chosen: ChosenOptions) => DeviceTreeNode,
): Promise<VirtBoot> {
  checkCommandLine(append);
  const loaded = await loadKernel(kernel, ram);
  const places = placeBootFiles(ram, loaded, initrd?.length ?? 0);
  const blob = flattenDeviceTree(treeOf({ bootargs: append, initrd: places.initrd, ...seeds }));
  const segments = [...loaded.segments];
  if (initrd && places.initrd) segments.push({ gpa: places.initrd.gpa, bytes: initrd });
  segments.push({ gpa: places.deviceTree, bytes: blob });
  return {
    format: loaded.format,
    segments,
    entry: loaded.entry,
    deviceTree: places.deviceTree,
  };
}
