// SPDX-License-Identifier: MIT
// Why a walk of stage 1 refuses an address: the same event as the core's, for any tables.

import { describe, expect, it } from 'vitest';
import {
  ACCESS_INSTRUCTION,
  ACCESS_PRIVILEGED,
  ACCESS_WRITE,
} from '../../../../assembly/layout/access.ts';
import * as CD from '../../../../assembly/layout/cd.ts';
import { F_TRANSLATION, F_WALK_EABT } from '../../../../assembly/layout/events.ts';
import {
  SMMU_AT_IDR0,
  SMMU_AT_IDR3,
  SMMU_AT_IDR5,
} from '../../../../assembly/layout/smmu-memory.ts';
import {
  IDR0_HTTU,
  IDR0_TTENDIAN,
  IDR3_HAD,
  IDR5_DS,
  IDR5_OAS,
  TTENDIAN_MIXED,
} from '../../../../assembly/layout/smmu-registers.ts';
import { cdRefusals, walkRefusal } from '../../../../devices/decode/refusals/index.ts';
import { setField, withBits } from '../../../../devices/plugin/index.ts';
import {
  contextDescriptor,
  GRANULE_4K,
  GRANULE_16K,
  GRANULE_64K,
  type Granule,
  PageTable,
  S1_READ_ONLY,
  S1_READ_WRITE,
  stage1Ste,
  type TableMemory,
} from '../../../../devices/tables/index.ts';
import { Random } from '../../../../devices/testing/index.ts';
import { steps } from '../../../support/thorough.ts';
import { harness, IDR0, IDR1, IDR3, IDR5, RAM_GPA, WINDOW } from '../../../support/unit-harness.ts';

const SID = 5;
const PA = WINDOW * 2 ** 32;
const RAM = RAM_GPA + 0x100000;
const CD_AT = PA + RAM;
const TABLES = PA + RAM + 0x10000;
const RAM_END = PA + RAM + 0x700000;
const ALL_GRANULES = 0x70;
const IOVA = 0x4000_0000;
const CFGI_ALL = [0x04n, 31n] as const;
const TLBI_NSNH_ALL = [0x30n] as const;
/** AP[1]. */
const AP_UNPRIVILEGED = 0x40n;
const ROUNDS = steps(1500, 20_000);

/** The machine, with tables of its own in window 1, which `clear` creates again. */
async function bench() {
  const h = await harness();
  let next = TABLES;
  const view = h.guestBytes;
  const at = (address: number) => address - PA - RAM_GPA;
  const memory: TableMemory = {
    load64: (address) => view.getBigUint64(at(address), true),
    store64: (address, value) => view.setBigUint64(at(address), value, true),
    allocate(size, alignment) {
      const place = Math.ceil(next / alignment) * alignment;
      next = place + size;
      return place;
    },
  };
  const load64 = (address: bigint): bigint | undefined =>
    address % 8n === 0n && address >= BigInt(PA + RAM) && address < BigInt(RAM_END)
      ? memory.load64(Number(address))
      : undefined;
  return {
    h,
    memory,
    load64,
    /** Converts the existing tables to big-endian. */
    swapTables() {
      for (let address = TABLES; address < next; address += 8)
        view.setBigUint64(at(address), view.getBigUint64(at(address), true), false);
    },
    clear() {
      new Uint8Array(h.guestMemory.buffer, 0x110000, next - TABLES).fill(0);
      next = TABLES;
    },
  };
}

it('has the event of the core, and a reason wherever the core refuses', async () => {
  const { h, memory, load64, swapTables, clear } = await bench();
  const random = new Random(22);
  const seen = new Map<number, number>();
  h.ste(SID, [...new BigUint64Array(stage1Ste({ contextPtr: CD_AT }).buffer)]);
  for (let round = 0; round < ROUNDS; round++) {
    clear();
    const ids = {
      idr0: withBits(IDR0, IDR0_HTTU, random.below(3)),
      idr1: IDR1,
      idr3: IDR3,
      idr5: IDR5 | ALL_GRANULES,
    };
    ids.idr0 = withBits(ids.idr0, IDR0_TTENDIAN, TTENDIAN_MIXED);
    ids.idr3 = withBits(ids.idr3, IDR3_HAD, random.below(2));
    ids.idr5 = withBits(ids.idr5, IDR5_OAS, random.pick([5, 5, 6]));
    ids.idr5 = withBits(ids.idr5, IDR5_DS, random.below(2));
    h.set(SMMU_AT_IDR0, ids.idr0);
    h.set(SMMU_AT_IDR3, ids.idr3);
    h.set(SMMU_AT_IDR5, ids.idr5);
    const granule: Granule = random.pick([GRANULE_4K, GRANULE_16K, GRANULE_64K]);
    const table = new PageTable(memory, {
      stage: 1,
      granule,
      inputBits: random.pick([39, 42, 48]),
    });
    const size = random.pick([granule, granule, 2 ** 25]);
    table.map(
      IOVA,
      PA + RAM_GPA + 2 ** 25 * random.below(2),
      size,
      random.pick([S1_READ_WRITE, S1_READ_ONLY]),
    );
    const leaf = table.leafOf(IOVA) ?? table.root;
    // Some of the tables are wrong, or only different.
    for (let left = random.below(3); left > 0; left--) {
      const slot = random.below(3) > 0 ? leaf : table.root + 8 * random.below(4);
      memory.store64(
        slot,
        memory.load64(slot) ^ (1n << BigInt(random.below(4) === 0 ? 10 : random.below(64))),
      );
    }
    // PXNTable, UXNTable, APTable or NSTable of the first table's descriptors, which HAD
    // ignores.
    if (random.below(3) === 0) {
      const attribute = 1n << BigInt(59 + random.below(5));
      for (let slot = table.root; slot < table.root + 32; slot += 8)
        memory.store64(slot, memory.load64(slot) | attribute);
    }
    const isUpper = random.below(2) === 1;
    const half = { ttb: table.root, inputBits: table.inputBits, granule };
    const cd = contextDescriptor({
      asid: 1,
      outputBits: 48,
      ...(isUpper ? { upper: half } : { lower: half }),
    });
    const isBigEndian = random.below(4) === 0;
    setField(cd, CD.CD_ENDI, isBigEndian ? 1 : 0);
    if (isBigEndian) swapTables();
    for (const field of [
      CD.CD_WXN,
      CD.CD_PAN,
      CD.CD_AFFD,
      CD.CD_TBI0,
      CD.CD_TBI1,
      CD.CD_HA,
      CD.CD_HD,
      CD.CD_HAD0,
      CD.CD_HAD1,
      CD.CD_DS,
    ])
      if (random.below(4) === 0) setField(cd, field, 1);
    if (random.below(3) === 0) setField(cd, CD.CD_AFFD, 0);
    if (random.below(8) === 0) setField(cd, isUpper ? CD.CD_EPD1 : CD.CD_EPD0, 1);
    if (random.below(4) === 0) setField(cd, CD.CD_IPS, random.below(7));
    if (!cdRefusals(cd, [], ids).next().done) continue;
    [...new BigUint64Array(cd.buffer)].forEach((word, i) => {
      memory.store64(CD_AT + 8 * i, word);
    });
    h.mainCommand(...CFGI_ALL);
    h.mainCommand(...TLBI_NSNH_ALL);
    // The lowest address of the half.
    const from = isUpper ? BigInt.asUintN(64, -(1n << BigInt(table.inputBits))) : 0n;
    const address = random.pick([
      from + BigInt(IOVA),
      from + BigInt(IOVA + size - 8),
      from + BigInt(IOVA),
      from + BigInt(IOVA + size),
      // Another top byte, and an address between the halves.
      (from + BigInt(IOVA)) ^ (0xffn << 56n),
      from ^ (1n << 50n),
    ]);
    const access = {
      address,
      write: random.below(2) === 0,
      privileged: random.below(2) === 0,
      instruction: random.below(3) === 0,
    };
    const attributes =
      (access.write ? ACCESS_WRITE : 0) |
      (access.privileged ? ACCESS_PRIVILEGED : 0) |
      (access.instruction ? ACCESS_INSTRUCTION : 0);
    const { status } = h.translate(SID, address, attributes);
    const [record] = h.events();
    const event = record ? Number(BigInt(`0x${record[0]}`) & 0xffn) : 0;
    const found = walkRefusal(access, cd, ids, load64);
    const about = `${JSON.stringify({ ...access, address: `${address}`, ...ids, granule })} status ${status}`;
    expect(found?.event ?? 0, `${about}: ${found?.text}`).toBe(event);
    seen.set(event, (seen.get(event) ?? 0) + 1);
  }
  // No event, and every event that exists.
  expect([...seen.keys()].sort((a, b) => a - b)).toEqual([0, 0xb, 0x10, 0x11, 0x12, 0x13]);
  for (const count of seen.values()) expect(count).toBeGreaterThan(ROUNDS / 200);
});

describe('its words', () => {
  const ids = { idr0: IDR0, idr1: IDR1, idr3: IDR3, idr5: IDR5 };
  const access = { address: 0x12345678n, write: true, privileged: false, instruction: false };

  it('name the descriptor, its level and its place', async () => {
    const { memory, load64 } = await bench();
    const table = new PageTable(memory, { stage: 1, inputBits: 39 });
    table.map(0x12345000, PA + RAM_GPA, 0x1000, S1_READ_ONLY);
    const cd = contextDescriptor({ asid: 1, lower: { ttb: table.root, inputBits: 39 } });
    const leaf = table.leafOf(0x12345000) ?? 0;
    const say = (change = {}) => walkRefusal({ ...access, ...change }, cd, ids, load64)?.text;
    expect(say()).toBe(
      `the level-3 descriptor 0x180000fc7 at 0x${leaf.toString(16)} has AP[2] = 1: read-only`,
    );
    expect(say({ write: false })).toBeUndefined();
    memory.store64(leaf, 0n);
    expect(say()).toBe(`the level-3 descriptor 0x0 at 0x${leaf.toString(16)} is invalid`);
    expect(say({ address: 1n << 39n })).toBe(
      '0x8000000000 is beyond the 39 bits of the lower half, CD.T0SZ = 25',
    );
    expect(walkRefusal(access, cd, ids, () => undefined)).toMatchObject({
      text: `CD.TTB0 = 0x${table.root.toString(16)} points to a level-1 table, of which 0x${table.root.toString(16)} is not memory`,
    });
    const slot = table.root;
    memory.store64(slot, 0x1_2345_6003n);
    expect(walkRefusal(access, cd, ids, load64)).toMatchObject({
      event: F_WALK_EABT,
      text:
        `the level-1 descriptor 0x123456003 at 0x${slot.toString(16)} points to a level-2 table, ` +
        'of which 0x123456488 is not memory',
    });
    expect(walkRefusal({ ...access, address: 1n << 40n }, cd, ids, load64)?.event).toBe(
      F_TRANSLATION,
    );
  });

  it('are none for unprivileged code that fetches from a page which it may not read', async () => {
    const { memory, load64 } = await bench();
    const table = new PageTable(memory, { stage: 1, inputBits: 39 });
    table.map(0x12345000, PA + RAM_GPA, 0x1000, S1_READ_ONLY & ~AP_UNPRIVILEGED);
    const cd = contextDescriptor({ asid: 1, lower: { ttb: table.root, inputBits: 39 } });
    const read = { ...access, write: false };
    expect(walkRefusal(read, cd, ids, load64)?.text).toContain('has AP[1] = 0: privileged only');
    expect(walkRefusal({ ...read, instruction: true }, cd, ids, load64)).toBeUndefined();
  });

  it('name a block of 64 KiB granules at level 1 unless addresses have 52 bits, and allow one at level 2', () => {
    const cd = contextDescriptor({
      asid: 1,
      lower: { ttb: 0x10000, inputBits: 48, granule: GRANULE_64K },
    });
    const read = { ...access, address: (1n << 42n) | (1n << 29n), write: false };
    // AF, AP[1] and type 1: a block at address 0. Type 3: a table at 0x20000.
    const [block, table] = [0x441n, 0x20003n];
    const say = (oas: number, tables: readonly (readonly [bigint, bigint])[]) =>
      walkRefusal(read, cd, { ...ids, idr5: withBits(IDR5 | ALL_GRANULES, IDR5_OAS, oas) }, (at) =>
        new Map(tables).get(at),
      )?.text;
    const [level1, level2] = [0x10008n, 0x20008n];
    const refused =
      'the level-1 descriptor 0x441 at 0x10008 is a block, which this level does not allow';
    expect(say(5, [[level1, block]])).toBe(refused);
    expect(say(6, [[level1, block]])).toBeUndefined();
    for (const oas of [5, 6])
      expect(
        say(oas, [
          [level1, table],
          [level2, block],
        ]),
      ).toBeUndefined();
  });
});
