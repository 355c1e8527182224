// SPDX-License-Identifier: MIT
// Entries of a host's table whose page size is encoded in their address (next level 7).

import { beforeEach, expect, it } from 'vitest';
import { AMD_CONTROL, AMD_DEVICE_TABLE_BASE } from '../../../../assembly/layout/amd-formats.ts';
import { TRANSLATE_ABORT, TRANSLATE_OK } from '../../../../assembly/layout/translate-results.ts';
import { loadAmdModules } from '../../../../assembly/load.ts';
import { AmdUnit, hostDte, PhysicalAmdIommu } from '../../../../devices/amd-iommu/index.ts';
import { storeStructure } from '../../../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../../../devices/testing/index.ts';
import { createHostMemory, smmuBase } from '../../../../devices/unit/index.ts';
import { HostRam } from '../../../../host/hardware/host-ram.ts';

const DEVICE_TABLE = 0x10000;
const LEVEL2 = 0x20000;
const LEVEL1 = 0x21000;
const DOMAIN = 3;
/** PR, IR, IW. */
const ENTRY = (3n << 61n) | 1n;
const SIZE_IN_ADDRESS = ENTRY | (7n << 9n);
/** Address of the pages of these tests, aligned for any of their sizes. */
const PAGE = 0x12_4000_0000n;

let unit: AmdUnit;
let ram: HostRam;

beforeEach(async () => {
  const hostMemory = createHostMemory({ ramSize: 0x100000 });
  ram = new HostRam(hostMemory);
  unit = new AmdUnit({ modules: await loadAmdModules(), hostMemory, thread: 0 });
  const iommu = new PhysicalAmdIommu({ unit, unitOf: () => undefined });
  iommu.attach(new FakeHost());
  iommu.reset();
  storeStructure(ram, DEVICE_TABLE, hostDte(DOMAIN, LEVEL2, 2));
  ram.store64(LEVEL2, BigInt(LEVEL1) | (1n << 9n) | ENTRY);
  const bus = new DeviceBus(iommu);
  bus.write32(AMD_DEVICE_TABLE_BASE, DEVICE_TABLE);
  bus.write32(AMD_CONTROL, 1);
});

const translate = (iova: number) => {
  const result = unit.translate(smmuBase(0), 0, -1, iova, 0, 0);
  const { pa, paLog2size } = unit.threadBlock;
  return result === TRANSLATE_OK ? [pa, paLog2size] : result;
};

/** The address bits from 12 up to the one below `bit`, all set. */
const onesBelow = (bit: number) => (1n << BigInt(bit)) - 0x1000n;

it.each([
  // The lowest 0 is the highest bit of the offset.
  ['8 KiB in a table of level 1', LEVEL1 + 8 * 5, 12, 0x5678n, 13],
  ['64 KiB in a table of level 1', LEVEL1 + 8 * 5, 15, 0x5678n, 16],
  ['1 MiB in a table of level 1', LEVEL1 + 8 * 5, 19, 0x5678n, 20],
  ['4 MiB in a table of level 2', LEVEL2 + 8, 21, 0x205678n, 22],
  ['512 MiB in a table of level 2', LEVEL2 + 8, 28, 0x205678n, 29],
])('maps %s', (_what, entry, zero, iova, size) => {
  ram.store64(entry, PAGE | onesBelow(zero) | SIZE_IN_ADDRESS);
  expect(translate(Number(iova))).toEqual([PAGE | (iova & ((1n << BigInt(size)) - 1n)), size]);
});

it.each([
  ['2 MiB in a table of level 1', LEVEL1 + 8 * 5, 20, 0x5678],
  ['64 KiB in a table of level 2', LEVEL2 + 8, 15, 0x205678],
  ['2 MiB in a table of level 2', LEVEL2 + 8, 20, 0x205678],
  ['1 GiB in a table of level 2', LEVEL2 + 8, 29, 0x205678],
])('does not map %s: the size is not between that of the level and of the next', (...row) => {
  const [_what, entry, zero, iova] = row;
  ram.store64(entry, PAGE | onesBelow(zero) | SIZE_IN_ADDRESS);
  expect(translate(iova)).toBe(TRANSLATE_ABORT);
});
