// SPDX-License-Identifier: MIT
// Errors of queues: reported by interrupt, skipped, restarted. And the event queue.

import { describe, expect, it } from 'vitest';
import {
  CMDQV_GPA,
  CMDQV_IRQ,
  EVENT_IRQ,
  type FakeSmmu,
  GERROR_IRQ,
  SMMU_GPA,
  type Taken,
} from '../support/fake-smmu.ts';
import {
  bootDriver,
  type DriverExports,
  loadDriver,
  RESULT_OK,
  RESULT_TIMEOUT,
} from '../support/guest-driver.ts';

const ILL = 1;
const ABT = 2;
const ATC_TIMEOUT = 3;
const UNKNOWN = 0x11;

const queues = [
  { name: 'a VCMDQ', index: 1, op: 0x40, gerror: CMDQV_GPA + 0x30010, sync: 0x0fc00046n },
  { name: 'another VCMDQ', index: 2, op: 0x40, gerror: CMDQV_GPA + 0x30090, sync: 0x0fc00046n },
  { name: 'the CMDQ', index: 0, op: 0x05, gerror: SMMU_GPA + 0x60, sync: 0x0fc02046n },
];

/** A batch of three commands, the second of which is `op`. */
function submit(driver: DriverExports, index: number): number {
  driver.setCpu(index - 1);
  driver.setBypassVcmdq(index === 0 ? 1 : 0);
  driver.begin();
  driver.addTlbiNhAsid(0, 1);
  if (index === 0) driver.addCfgiCd(8, 0);
  else driver.addAtcInv(8, 0, 0, 0);
  driver.addTlbiNhVa(0, 1, 0x1000, 0);
  return driver.submit();
}

function failing(
  op: number,
  code: number,
  times = Number.POSITIVE_INFINITY,
): (command: Taken) => number {
  let left = times;
  return (command) => (command.op === op && left-- > 0 ? code : 0);
}

function isAcknowledged(fake: FakeSmmu, gerror: number): boolean {
  return fake.get(gerror) === fake.get(gerror + 4);
}

describe.each([false, true])('errors of queues (direct page 0: %s)', (direct) => {
  it.each(queues)(
    'overwrites an illegal command on $name with a CMD_SYNC and continues',
    async ({ index, op, gerror, sync }) => {
      const { driver, fake } = await bootDriver({ direct });
      fake.errorOf = failing(op, ILL);
      expect(submit(driver, index)).toBe(RESULT_OK);
      expect(fake.order).toEqual([`${index}:11`, `${index}:46`, `${index}:12`, `${index}:46`]);
      expect(fake.taken[1]).toMatchObject({ dw0: sync, dw1: 0n });
      expect([
        driver.queueErrors(index),
        driver.queueLastError(index),
        driver.queueLastErrorOpcode(index),
      ]).toEqual([1, ILL, op]);
      expect(fake.get(gerror)).toBe(1);
      expect(isAcknowledged(fake, gerror)).toBe(true);
    },
  );

  it.each(queues)(
    'treats an unknown error on $name as an illegal command',
    async ({ index, op }) => {
      const { driver, fake } = await bootDriver({ direct });
      fake.errorOf = failing(op, UNKNOWN);
      expect(submit(driver, index)).toBe(RESULT_OK);
      expect(fake.order[1]).toBe(`${index}:46`);
    },
  );

  it.each(queues)(
    'fetches the same entry on $name again after a fetch abort',
    async ({ index, op }) => {
      const { driver, fake } = await bootDriver({ direct });
      fake.errorOf = failing(op, ABT, 1);
      expect(submit(driver, index)).toBe(RESULT_OK);
      expect(fake.taken[1]).toMatchObject({ queue: index, op });
      expect(driver.queueLastError(index)).toBe(ABT);
    },
  );

  it.each(queues)('repeats the CMD_SYNC on $name after an ATC timeout', async ({ index }) => {
    const { driver, fake } = await bootDriver({ direct });
    fake.errorOf = failing(0x46, ATC_TIMEOUT, 2);
    expect(submit(driver, index)).toBe(RESULT_OK);
    expect(fake.taken.length).toBe(4);
    expect(driver.queueErrors(index)).toBe(2);
  });

  it.each(queues)(
    'leaves the CMD_SYNC on $name as it is after an ATC timeout: one with an MSI is no other',
    async ({ index }) => {
      const { driver, fake } = await bootDriver({ direct });
      // CS 1, MSIAttr, MSIData 0x1234; MSIAddress.
      const msi = [0x00001234_0fc01046n, 0x0805_0000n];
      const at = driver.allocateBytes(16, 16);
      msi.forEach((dword, i) => {
        fake.view.setBigUint64(at + 8 * i, dword, true);
      });
      fake.errorOf = failing(0x46, ATC_TIMEOUT, 1);
      expect(driver.issueRaw(index, at, 1, 1)).toBe(RESULT_OK);
      expect(fake.taken[0]).toMatchObject({ dw0: msi[0], dw1: msi[1] });
      expect(driver.queueLastError(index)).toBe(ATC_TIMEOUT);
    },
  );

  it('serves a second error of the same batch', async () => {
    const { driver, fake } = await bootDriver({ direct });
    fake.errorOf = ({ op }) => (op === 0x40 || op === 0x12 ? ILL : 0);
    expect(submit(driver, 1)).toBe(RESULT_OK);
    expect(fake.order).toEqual(['1:11', '1:46', '1:46', '1:46']);
    expect(driver.queueErrors(1)).toBe(2);
    expect(fake.get(CMDQV_GPA + 0x30010)).toBe(0);
  });
});

describe('an error without end', () => {
  it.each(queues.filter(({ index }) => index < 2))(
    'gives up on $name when the error comes back for ever',
    async ({ index }) => {
      const { driver, fake } = await bootDriver();
      fake.errorOf = failing(0x46, ATC_TIMEOUT);
      fake.logging = false;
      expect(submit(driver, index)).toBe(RESULT_TIMEOUT);
    },
  );
});

describe('interrupts', () => {
  it('does nothing without one', async () => {
    const { driver, fake } = await bootDriver();
    driver.service();
    expect(fake.log).toEqual([]);
  });

  it('leaves a spurious one without effect on the ring', async () => {
    const { driver, fake } = await bootDriver();
    const ring = driver.queueRing(1);
    driver.invalidateSpace(1);
    const entry = fake.view.getBigUint64(ring, true);
    fake.set(CMDQV_GPA + 0x14, 1);
    fake.set(CMDQV_GPA + 0x10c0, 0xffffffff);
    fake.set(CMDQV_GPA + 0x30000, (ILL << 24) | 0);
    fake.raise(CMDQV_IRQ);
    fake.raise(GERROR_IRQ);
    driver.service();
    expect(fake.view.getBigUint64(ring, true)).toBe(entry);
    expect(driver.queueErrors(1)).toBe(0);
    expect(fake.log.filter((line) => line.startsWith('w'))).toEqual(['w C 30004 2']);
  });

  it('waits for the queues before it serves the CMDQV', async () => {
    const { driver, fake } = await loadDriver();
    driver.probe();
    fake.forget();
    fake.raise(CMDQV_IRQ);
    driver.service();
    expect(fake.log).toEqual([]);
  });

  it('clears the edge bit of the line that it serves and no other', async () => {
    const { driver, fake } = await bootDriver();
    fake.raise(CMDQV_IRQ);
    fake.raise(3);
    fake.raise(CMDQV_IRQ + 1);
    driver.service();
    expect(fake.view.getUint32(0x300, true)).toBe(8);
    expect(fake.view.getUint32(0x308, true)).toBe(1 << 7);
  });

  it('acknowledges the map epoch at a safe point', async () => {
    const { driver, fake } = await bootDriver();
    fake.view.setUint32(0x380, 77, true);
    driver.service();
    expect(fake.view.getUint32(0x384, true)).toBe(77);
  });
});

describe('event queue', () => {
  /** Writes a record whose doubleword 0 is `id` at an index of the ring. */
  function produce(fake: FakeSmmu, ring: number, index: number, id: number): void {
    fake.view.setBigUint64(ring + 32 * index, BigInt(id), true);
    fake.view.setBigUint64(ring + 32 * index + 24, 0x1234000n, true);
  }

  it('reads every record and advances CONS after each', async () => {
    const { driver, fake } = await bootDriver();
    for (const [index, id] of [0x10, 0x13].entries())
      produce(fake, driver.eventRingOffset(), index, id);
    fake.set(SMMU_GPA + 0x100a8, 2);
    fake.raise(EVENT_IRQ);
    driver.service();
    expect(driver.events()).toBe(2);
    expect([0, 1].map((n) => fake.view.getUint8(driver.event(n)))).toEqual([0x10, 0x13]);
    expect(fake.view.getBigUint64(driver.event(1) + 24, true)).toBe(0x1234000n);
    expect(fake.log.filter((line) => line.startsWith('w'))).toEqual(['w S 100ac 1', 'w S 100ac 2']);
  });

  it('wraps, and acknowledges an overflow after draining', async () => {
    const { driver, fake } = await bootDriver();
    for (let lap = 0; lap < 2; lap++) {
      for (let index = 0; index < 256; index++)
        produce(fake, driver.eventRingOffset(), index, 0x10);
      fake.set(SMMU_GPA + 0x100a8, lap === 0 ? 0x80000100 : 0x80000000);
      fake.raise(EVENT_IRQ);
      driver.service();
    }
    expect(driver.events()).toBe(512);
    expect(driver.overflows()).toBe(1);
    const writes = fake.log.filter((line) => line.startsWith('w'));
    expect(writes.slice(255, 258)).toEqual([
      'w S 100ac 100',
      'w S 100ac 80000100',
      'w S 100ac 80000101',
    ]);
    expect(writes.at(-1)).toBe('w S 100ac 80000000');
  });
});
