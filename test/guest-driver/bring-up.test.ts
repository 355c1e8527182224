// SPDX-License-Identifier: MIT
// The order of Linux, according to reference documents: every access of probe and reset
// with its literal offset and value.

import { describe, expect, it } from 'vitest';
import { ABI_AT_MEMORY_SIZE } from '../../assembly/layout/guest-abi.ts';
import { CMDQV_GPA, MEMORY_SIZE, SMMU_GPA } from '../support/fake-smmu.ts';
import {
  bootDriver,
  loadDriver,
  RESULT_NO_MEMORY,
  RESULT_OK,
  RESULT_TIMEOUT,
  RESULT_UNSUPPORTED,
} from '../support/guest-driver.ts';

const hex = (value: number) => (value >>> 0).toString(16);

describe('probe', () => {
  it('reads the CMDQV before it touches the SMMU', async () => {
    const { driver, fake } = await loadDriver();
    expect(driver.probe()).toBe(RESULT_OK);
    expect(fake.log).toEqual(['r C 000', 'r C 004', 'r S 000', 'r S 004', 'r S 00c', 'r S 014']);
    expect(driver.lvcmdqCount()).toBe(2);
  });

  it.each([
    ['no stage 1', { idr0: 0x0540141a & ~2 }],
    ['no AArch64 tables', { idr0: 0x0540141a & ~8 }],
    ['big-endian tables', { idr0: 0x0540141a | 0x200000 }],
    ['a CMDQ that cannot hold a batch and its CMD_SYNC', { idr1: (6 << 21) | 0x80010 }],
  ])('refuses an SMMU with %s', async (_what, options) => {
    const { driver } = await loadDriver(options);
    expect(driver.probe()).toBe(RESULT_UNSUPPORTED);
  });

  it('works without a CMDQV whose VINTFs would have no queues', async () => {
    const { driver } = await loadDriver({ param: 0x4121 & ~0xf0 });
    expect(driver.probe()).toBe(RESULT_OK);
    expect(driver.lvcmdqCount()).toBe(0);
  });
});

it('a reset needs memory for the stream table and for both rings', async () => {
  /** The result with so many bytes of memory. */
  async function resetWith(bytes: number) {
    const { driver, fake } = await loadDriver();
    fake.view.setUint32(ABI_AT_MEMORY_SIZE, bytes, true);
    driver.probe();
    return { result: driver.reset(), driver };
  }
  const { driver } = await resetWith(MEMORY_SIZE);
  const ends = [
    driver.streamTableEntry(0) + 256 * 64,
    driver.queueRing(0) + 256 * 16,
    driver.eventRingOffset() + 256 * 32,
  ];
  for (const end of ends) expect((await resetWith(end - 1)).result).toBe(RESULT_NO_MEMORY);
  expect((await resetWith(Math.max(...ends))).result).toBe(RESULT_OK);
});

describe('SMMU reset', () => {
  it('turns everything off, then tables and CMDQ, invalidations, event queue, interrupts, translation', async () => {
    const { driver, fake } = await loadDriver();
    driver.probe();
    fake.forget();
    expect(driver.reset()).toBe(RESULT_OK);
    const stream = hex(driver.gpa(driver.streamTableEntry(0)));
    const commands = hex(driver.gpa(driver.queueRing(0)) | 8);
    const events = hex(driver.gpa(driver.eventRingOffset()) | 8);
    expect(fake.log).toEqual([
      'r S 020',
      'w S 020 0',
      'r S 024',
      'w S 028 d75',
      'w S 02c 6',
      `W S 080 ${stream}`,
      'w S 088 8',
      `W S 090 ${commands}`,
      'w S 098 0',
      'w S 09c 0',
      'w S 020 8',
      'r S 024',
      'w S 098 2',
      'take 0 04',
      'take 0 46',
      'r S 09c',
      'w S 098 4',
      'take 0 30',
      'take 0 46',
      'r S 09c',
      `W S 0a0 ${events}`,
      'w S 100a8 0',
      'w S 100ac 0',
      'w S 020 c',
      'r S 024',
      'w S 020 1c',
      'r S 024',
      'w S 050 0',
      'r S 054',
      'w S 050 5',
      'r S 054',
      'w S 020 1d',
      'r S 024',
    ]);
    expect(fake.taken[0]?.dw1).toBe(31n);
    // CMD_SYNC on the CMDQ: CS = 2 (SEV), MSH = 3, MSIATTR = 0xf.
    expect(fake.taken[1]?.dw0).toBe(0x0fc02046n);
  });

  it('aligns every structure to its size and makes every stream abort', async () => {
    const { driver, fake } = await loadDriver();
    driver.probe();
    driver.reset();
    expect(driver.queueRing(0) % 4096).toBe(0);
    expect(driver.eventRingOffset() % 8192).toBe(0);
    expect(driver.streamTableEntry(0) % 16384).toBe(0);
    expect(driver.streamTableEntry(256)).toBe(0);
    for (const sid of [0, 8, 255])
      expect(fake.view.getBigUint64(driver.streamTableEntry(sid), true)).toBe(1n);
  });

  it('gives up when CR0 is never acknowledged', async () => {
    const { driver, fake } = await loadDriver();
    driver.probe();
    fake.acknowledges = false;
    fake.set(SMMU_GPA + 0x24, 0x1d);
    expect(driver.reset()).toBe(RESULT_TIMEOUT);
    expect(fake.log).not.toContain('w S 028 d75');
    expect(fake.waits).toBe(2000);
  });
});

describe('CMDQV reset', () => {
  /**
   * Stopping a queue: disabled, two CMD_SYNCs on the CMDQ, registers cleared, errors
   * checked.
   */
  function stop(lvcmdq: number, prod: number): string[] {
    const page0 = (register: number) => `C ${hex(0x30000 + 0x80 * lvcmdq + register)}`;
    const page1 = (register: number) => `C ${hex(0x40000 + 0x80 * lvcmdq + register)}`;
    return [
      `w ${page0(0x08)} 0`,
      `r ${page0(0x0c)}`,
      `w S 098 ${hex(prod)}`,
      'take 0 46',
      'take 0 46',
      'r S 09c',
      `w ${page0(0x04)} 0`,
      `w ${page0(0x00)} 0`,
      `W ${page1(0x00)} 0`,
      `W ${page1(0x08)} 0`,
      `r ${page0(0x14)}`,
      `r ${page0(0x10)}`,
    ];
  }

  it('restarts the CMDQV, distributes the queues, clears VINTF 0 and brings it up queue by queue', async () => {
    const { driver, fake } = await loadDriver();
    driver.probe();
    driver.reset();
    fake.forget();
    expect(driver.resetQueues()).toBe(RESULT_OK);
    const base = (queue: number) => hex(driver.gpa(driver.queueRing(queue)) | 8);
    const pairs = Array.from({ length: 16 }, (_, s) => [
      `w C ${hex(0x1040 + 4 * s)} 0`,
      `w C ${hex(0x1080 + 4 * s)} 0`,
    ]);
    expect(fake.log).toEqual([
      'r S 004',
      'r C 000',
      'w C 000 20082',
      'r C 008',
      'w C 000 20083',
      'r C 008',
      'w C 200 0',
      'w C 204 2',
      ...stop(1, 6),
      'r C 204',
      'w C 204 2',
      ...stop(0, 8),
      'r C 200',
      'w C 200 0',
      'w C 1000 0',
      'r C 1004',
      ...pairs.flat(),
      'w C 1000 20000',
      'w C 1000 20001',
      'r C 1004',
      'r C 1000',
      'r C 200',
      'w C 200 1',
      ...stop(0, 10),
      `W C 40000 ${base(1)}`,
      'w C 30008 1',
      'r C 3000c',
      'r C 204',
      'w C 204 3',
      ...stop(1, 12),
      `W C 40080 ${base(2)}`,
      'w C 30088 1',
      'r C 3008c',
    ]);
    // The bare CMD_SYNC of a stop has CS = 0, its companion CS = 2.
    expect(fake.taken.map(({ dw0 }) => Number((dw0 >> 12n) & 3n))).toEqual([
      0, 2, 0, 2, 0, 2, 0, 2,
    ]);
  });

  it('acknowledges an error that a previous owner of the queue left', async () => {
    const { driver, fake } = await loadDriver();
    driver.probe();
    driver.reset();
    fake.set(CMDQV_GPA + 0x30090, 1);
    fake.forget();
    expect(driver.resetQueues()).toBe(RESULT_OK);
    expect(fake.log).toContain('w C 30094 1');
    expect(fake.log).not.toContain('w C 30014 1');
  });

  it.each([
    [false, 0],
    [true, 1],
  ])('learns from HYP_OWN whose kernel it is (hypervisor: %s)', async (hypervisor, expected) => {
    const { driver } = await bootDriver({ hypervisor });
    expect(driver.hypOwn()).toBe(expected);
  });
});
