// SPDX-License-Identifier: MIT
// Disks behind the SMMU, as an unmodified Linux uses them: what it reads and writes is right, while other
// unmaps continue, and no invalidation takes an exit or is forgotten.

import { expect, test } from 'vitest';
import type { LinuxPath } from '../../cli/linux-run.ts';
import { Random } from '../../devices/testing/index.ts';
import { MemoryDisk } from '../../devices/virtio/index.ts';
import { boot } from '../support/linux-boot.ts';
import { THOROUGH } from '../support/thorough.ts';

const DISK_BYTES = (THOROUGH ? 64 : 4) * 2 ** 20;

function randomBytes(): Uint8Array<ArrayBuffer> {
  const random = new Random(1);
  const words = Uint32Array.from({ length: DISK_BYTES / 4 }, () => random.word());
  return new Uint8Array(words.buffer);
}

/** What linux/programs/checksum.c computes. */
function checksumOf(bytes: Uint8Array<ArrayBuffer>): number {
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(bytes.buffer)) hash = Math.imul(hash ^ word, 0x01000193);
  return hash >>> 0;
}

/** Copies the first disk to the second one. */
function copyDisk(path: LinuxPath, vcpus: number, run: string) {
  const source = randomBytes();
  const target = new Uint8Array(DISK_BYTES);
  const disks = [new MemoryDisk(source), new MemoryDisk(target)];
  const machine = { disks, path, vcpus, iotlbCheck: true };
  return boot(run, '', machine).then((result) => ({ ...result, source, target }));
}

const COPY = 'checksum /dev/vda; dd if=/dev/vda of=/dev/vdb bs=65536 2>/dev/null; sync; state';

test.each([
  ['direct', 1],
  ['direct', 2],
  ['overlay', 2],
] as const)('%s, %i vCPUs: a disk is read and written while unmaps go on', async (path, vcpus) => {
  const run = `bench ${vcpus} 30 1 & ${COPY}; wait`;
  const { end, console, source, target, statistics, findings } = await copyDisk(path, vcpus, run);
  expect(end.status).toBe('off');
  expect(console).toMatch(/virtio_blk virtio1: \[vdb\]/);
  expect(console).toContain(`checksum ${checksumOf(source)} of ${DISK_BYTES} bytes`);
  expect(Buffer.compare(source, target)).toBe(0);
  expect(console).not.toMatch(
    /WARNING|BUG:|Oops|Call trace|timeout|failed to|unexpected|errno|I\/O error/,
  );
  expect(console).toMatch(/^taint 0$/m);
  expect(findings).toEqual([]);
  const { byRegister } = statistics.exits;
  const rings = Object.entries(byRegister).filter(([name]) => /(CMDQ\d*)_(PROD|CONS)$/.test(name));
  // Those of probing and of attaching devices, not one for each of thousands of unmaps.
  expect(rings.reduce((sum, [, count]) => sum + count, 0)).toBeLessThan(60);
});
