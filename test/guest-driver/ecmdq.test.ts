// SPDX-License-Identifier: MIT
// The guest driver on ECMDQs: probing, the handshakes, the choice of the queue, errors.
// The device is scripted.

import { describe, expect, it } from 'vitest';
import { FakeEcmdqs } from '../support/fake-ecmdqs.ts';
import { CMDQV_GPA, type FakeSmmu, SMMU_GPA } from '../support/fake-smmu.ts';
import {
  type DriverExports,
  loadDriver,
  RESULT_OK,
  RESULT_TIMEOUT,
  RESULT_UNSUPPORTED,
} from '../support/guest-driver.ts';

const ECMDQ_0 = 256;
const VA = [0x40000000, 1] as const;

interface Booted {
  readonly driver: DriverExports;
  readonly fake: FakeSmmu;
  readonly ecmdqs: FakeEcmdqs;
}

/** A driver whose SMMU is enabled; the ECMDQs are not. */
async function bringUpSmmu(): Promise<Booted> {
  const { driver, fake } = await loadDriver();
  const ecmdqs = new FakeEcmdqs(fake);
  expect([driver.probe(), driver.reset()]).toEqual([RESULT_OK, RESULT_OK]);
  fake.forget();
  return { driver, fake, ecmdqs };
}

async function boot(): Promise<Booted> {
  const booted = await bringUpSmmu();
  expect(booted.driver.resetEnhancedQueues()).toBe(RESULT_OK);
  booted.fake.forget();
  return booted;
}

describe('bringing ECMDQs up', () => {
  it("reads their number, then sets each queue's ring, clears CONS and sets EN", async () => {
    const { driver, fake } = await bringUpSmmu();
    expect(driver.resetEnhancedQueues()).toBe(RESULT_OK);
    const queue = (q: number) => {
      const name = (register: number) => `S ${(0x20000 + 0x4000 * q + register).toString(16)}`;
      const base = BigInt((driver.gpa(driver.queueRing(ECMDQ_0 + q)) >>> 0) + 8).toString(16);
      return [
        `w ${name(8)} 0`,
        `r ${name(12)}`,
        `W ${name(0)} ${base}`,
        `w ${name(12)} 0`,
        `w ${name(8)} 80000000`,
        `r ${name(12)}`,
      ];
    };
    expect(fake.log).toEqual(['r S 4000', 'r S 400c', 'r S 190', ...[0, 1, 2, 3].flatMap(queue)]);
    expect([driver.directQueueCount(), driver.queueLog2(ECMDQ_0)]).toEqual([4, 8]);
  });

  it.each([
    ['IDR1.ECMDQ is 0', 0x04, 0x01080010],
    ['the control page is not preset', 0x4000, 0x00020002],
    ['the control page has another size', 0x4000, 0x00020001],
    ['the control page is not enabled', 0x400c, 0],
  ])('refuses when %s', async (_what, register, value) => {
    const { driver, fake } = await loadDriver();
    new FakeEcmdqs(fake);
    fake.set(SMMU_GPA + register, value);
    expect([driver.probe(), driver.reset()]).toEqual([RESULT_OK, RESULT_OK]);
    expect(driver.resetEnhancedQueues()).toBe(RESULT_UNSUPPORTED);
    expect(driver.directQueueCount()).toBe(0);
  });

  it('gives up a bounded time after an EN that is not acknowledged; the CMDQ continues', async () => {
    const { driver, fake, ecmdqs } = await bringUpSmmu();
    ecmdqs.acknowledges = false;
    expect(driver.resetEnhancedQueues()).toBe(RESULT_TIMEOUT);
    expect(fake.waits).toBeLessThan(5000);
    fake.forget();
    expect(driver.invalidateSpace(3)).toBe(RESULT_OK);
    expect([fake.order, ecmdqs.taken]).toEqual([['0:11', '0:46'], []]);
  });

  it('can be done again: a queue that is enabled is disabled first', async () => {
    const { driver, fake, ecmdqs } = await boot();
    driver.invalidateSpace(3);
    expect(driver.resetEnhancedQueues()).toBe(RESULT_OK);
    expect([
      fake.get(ecmdqs.at(0, 8)),
      fake.get(ecmdqs.at(0, 12)),
      driver.queueProd(ECMDQ_0),
    ]).toEqual([0x80000000, 0x80000000, 0]);
    expect(driver.invalidateSpace(3)).toBe(RESULT_OK);
  });
});

describe('commands', () => {
  it('go to the queue of the processor, with EN in every PROD', async () => {
    const { driver, fake, ecmdqs } = await boot();
    for (const cpu of [0, 1, 3, 6]) {
      driver.setCpu(cpu);
      expect(driver.invalidate(5, ...VA, 1)).toBe(RESULT_OK);
    }
    expect(ecmdqs.taken).toEqual([0, 1, 3, 2].flatMap((q) => [`${q}:12`, `${q}:46`]));
    expect(fake.order).toEqual([]);
    expect([0, 1, 2, 3].map((q) => fake.get(ecmdqs.at(q, 8)))).toEqual(Array(4).fill(0x80000002));
    // CMD_SYNC without a completion signal: the driver polls CONS.
    expect(fake.view.getUint32(driver.queueRing(ECMDQ_0) + 16, true) & 0x30ff).toBe(0x46);
  });

  it('are split where a command for the host goes to the CMDQ, each run with its CMD_SYNC', async () => {
    const { driver, fake, ecmdqs } = await boot();
    driver.begin();
    driver.addTlbiNhAsid(0, 5);
    driver.addCfgiSte(8);
    driver.addAtcInv(8, 0, 0, 52);
    expect(driver.submit()).toBe(RESULT_OK);
    expect([ecmdqs.taken, fake.order]).toEqual([
      ['0:11', '0:46', '0:40', '0:46'],
      ['0:3', '0:46'],
    ]);
    driver.setBypassVcmdq(1);
    driver.invalidateSpace(5);
    expect(ecmdqs.taken).toHaveLength(4);
  });

  it('wrap: the index uses only the ring’s bits of PROD', async () => {
    const { driver, fake, ecmdqs } = await boot();
    for (let batch = 0; batch < 300; batch++) expect(driver.invalidateSpace(3)).toBe(RESULT_OK);
    expect([fake.get(ecmdqs.at(0, 8)), fake.get(ecmdqs.at(0, 12))]).toEqual([
      0x80000000 + (600 % 512),
      0x80000000 + (600 % 512),
    ]);
  });

  it('a CMDQV takes precedence over them', async () => {
    const { driver, fake, ecmdqs } = await boot();
    expect(driver.resetQueues()).toBe(RESULT_OK);
    fake.forget();
    driver.invalidateSpace(3);
    expect([fake.order, ecmdqs.taken]).toEqual([['1:11', '1:46'], []]);
    expect(fake.get(CMDQV_GPA + 0x30004)).toBe(2);
  });
});

describe('an error', () => {
  it('is skipped: the command becomes a CMD_SYNC, ERRACK follows ERR, and later commands are served', async () => {
    const { driver, fake, ecmdqs } = await boot();
    ecmdqs.illegal.add(0x28);
    for (const errors of [1, 2]) {
      driver.begin();
      driver.addTlbiS12Vmall(0);
      driver.submit();
      // It goes to the CMDQ: an ECMDQ would execute it unchanged.
      const raw = driver.allocateBytes(64, 64);
      fake.view.setBigUint64(raw, 0x28n, true);
      fake.view.setBigUint64(raw + 16, 0x11n, true);
      ecmdqs.taken.length = 0;
      fake.forget();
      expect(driver.issueRaw(ECMDQ_0, raw, 2, 1)).toBe(RESULT_OK);
      expect(ecmdqs.taken).toEqual(['0:46', '0:11', '0:46']);
      expect([
        driver.queueErrors(ECMDQ_0),
        driver.queueLastError(ECMDQ_0),
        driver.queueLastErrorOpcode(ECMDQ_0),
      ]).toEqual([errors, 1, 0x28]);
      // GERRORN before ERRACK: a later error raises CMDQP_ERR again.
      const stores = fake.log.filter((line) => line.startsWith('w '));
      expect(stores).toEqual([
        expect.stringContaining('w S 20008'),
        `w S 064 ${errors === 1 ? '200' : '0'}`,
        expect.stringContaining('w S 20008'),
      ]);
      expect(fake.get(ecmdqs.at(0, 8)) & 0x00800000).toBe(errors === 1 ? 0x00800000 : 0);
    }
    expect(driver.invalidateSpace(3)).toBe(RESULT_OK);
    expect(driver.queueErrors(ECMDQ_0)).toBe(2);
  });

  it('of two queues at once raises CMDQP_ERR once; both are served', async () => {
    const { driver, fake, ecmdqs } = await boot();
    ecmdqs.illegal.add(0x28);
    const raw = driver.allocateBytes(16, 16);
    fake.view.setBigUint64(raw, 0x28n, true);
    for (const q of [1, 2]) expect(driver.issueRaw(ECMDQ_0 + q, raw, 1, 0)).toBe(RESULT_OK);
    expect(fake.get(SMMU_GPA + 0x60)).toBe(0x200);
    driver.service();
    expect(
      [1, 2].map((q) => [driver.queueErrors(ECMDQ_0 + q), fake.get(ecmdqs.at(q, 12)) & 0xff]),
    ).toEqual([
      [1, 1],
      [1, 1],
    ]);
    expect(driver.queueErrors(ECMDQ_0)).toBe(0);
  });
});
