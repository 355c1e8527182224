// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import {
  prepareVirtBoot,
  type VirtBootFiles,
  virtDeviceTree,
  virtRam,
} from '../../../../vmm/boards/virt/index.ts';
import { arm64Image } from '../../boot/kernel-files.ts';
import { cellsOf, nodeAt, readDeviceTree, stringsOf } from './read-device-tree.ts';
import { virtMachine } from './virt-machine.ts';

const ram = virtRam(0x10000000);
const seeds = { rngSeed: new Uint8Array(64).fill(9), kaslrSeed: new Uint8Array(8) };

const prepare = (files: Partial<VirtBootFiles> = {}) =>
  prepareVirtBoot({ kernel: arm64Image(), ...files }, ram, seeds, (chosen) =>
    virtDeviceTree(virtMachine({ ram, chosen })),
  );

describe('prepareVirtBoot', () => {
  it("separates kernel, initrd and device tree, and the tree has the initrd's address", async () => {
    const initrd = new Uint8Array(0x1234).fill(3);
    const boot = await prepare({ initrd, append: 'quiet' });
    expect(boot.format).toBe('image');
    expect([boot.entry, boot.deviceTree]).toEqual([0x40000000, 0x48200000]);
    expect(boot.segments.map(({ gpa }) => gpa)).toEqual([0x40000000, 0x48000000, 0x48200000]);
    expect(boot.segments[1]?.bytes).toBe(initrd);
    const chosen = nodeAt(readDeviceTree(boot.segments[2]?.bytes ?? new Uint8Array()), '/chosen');
    expect(stringsOf(chosen, 'bootargs')).toEqual(['quiet']);
    expect(cellsOf(chosen, 'linux,initrd-start')).toEqual([0, 0x48000000]);
    expect(cellsOf(chosen, 'linux,initrd-end')).toEqual([0, 0x48001234]);
    expect(chosen.properties.get('rng-seed')).toEqual(seeds.rngSeed);
  });

  it('does without initrd and command line', async () => {
    const boot = await prepare();
    const chosen = nodeAt(readDeviceTree(boot.segments[1]?.bytes ?? new Uint8Array()), '/chosen');
    expect(boot.segments).toHaveLength(2);
    expect(stringsOf(chosen, 'bootargs')).toEqual(['']);
    expect(chosen.properties.has('linux,initrd-start')).toBe(false);
  });

  it('is the same each time', async () => {
    expect(await prepare({ append: 'a' })).toEqual(await prepare({ append: 'a' }));
  });

  it.each([
    ['too long', 'é'.repeat(1024), 'the command line has 2048 bytes: a kernel takes 2047'],
    ['not text', 'a\0b', 'the command line contains a NUL character'],
  ])('refuses a command line that is %s', async (_what, append, message) => {
    await expect(prepare({ append })).rejects.toThrow(message);
  });

  it('refuses an initrd that RAM has no room for', async () => {
    await expect(prepare({ initrd: new Uint8Array(0x7f00000) })).rejects.toThrow(
      'kernel, initrd and device tree need 270532608 bytes of memory: the machine has 268435456',
    );
  });
});
