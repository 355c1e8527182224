// SPDX-License-Identifier: MIT
// Choice of queue, batches, rings, and bounded waiting.

import { describe, expect, it } from 'vitest';
import {
  ABI_AT_DRAIN_SLEEPING,
  ABI_AT_DRAIN_WAKE,
  ABI_AT_EXIT_REQUEST,
  ABI_AT_INVALIDATING,
  ABI_AT_MAPS,
  ABI_MAP_FLAGS,
} from '../../assembly/layout/guest-abi.ts';
import { CMDQV_GPA, type FakeSmmu, SMMU_GPA } from '../support/fake-smmu.ts';
import {
  bootDriver,
  type DriverExports,
  loadDriver,
  RESULT_BAD_ARGUMENT,
  RESULT_OK,
  RESULT_TIMEOUT,
} from '../support/guest-driver.ts';

const NO_SIZE = 52;

/** Adds `count` TLBI_NH_VA commands, each of another page. */
function addPages(driver: DriverExports, count: number): void {
  for (let page = 0; page < count; page++) driver.addTlbiNhVa(0, 1, 0x1000 * (page + 1), 0);
}

function prodWrites(fake: FakeSmmu): string[] {
  return fake.log.filter((line) => /^w (S 098|C 30004|C 30084) /.test(line));
}

describe('getCmdq', () => {
  it.each([
    ['TLBI_NH_ASID', (driver: DriverExports) => driver.addTlbiNhAsid(0, 1), ['1:11', '1:46']],
    [
      'TLBI_NH_VA',
      (driver: DriverExports) => driver.addTlbiNhVa(0, 1, 0x1000, 0),
      ['1:12', '1:46'],
    ],
    ['ATC_INV', (driver: DriverExports) => driver.addAtcInv(8, 0, 0, NO_SIZE), ['1:40', '1:46']],
    ['TLBI_NH_ALL', (driver: DriverExports) => driver.addTlbiNhAll(0), ['0:10', '0:46']],
    ['TLBI_NSNH_ALL', (driver: DriverExports) => driver.addTlbiNsnhAll(), ['0:30', '0:46']],
    ['TLBI_S12_VMALL', (driver: DriverExports) => driver.addTlbiS12Vmall(0), ['0:28', '0:46']],
    ['TLBI_S2_IPA', (driver: DriverExports) => driver.addTlbiS2Ipa(0, 0x1000, 0), ['0:2a', '0:46']],
    ['CFGI_STE', (driver: DriverExports) => driver.addCfgiSte(8), ['0:3', '0:46']],
    ['CFGI_ALL', (driver: DriverExports) => driver.addCfgiAll(), ['0:4', '0:46']],
    ['CFGI_CD', (driver: DriverExports) => driver.addCfgiCd(8, 0), ['0:5', '0:46']],
    ['PREFETCH_CFG', (driver: DriverExports) => driver.addPrefetchConfig(8), ['0:1', '0:46']],
    ['CMD_SYNC', (driver: DriverExports) => driver.addSync(0), ['0:46', '0:46']],
  ])('sends %s to the queue that takes it', async (_name, add, order) => {
    const { driver, fake } = await bootDriver();
    driver.begin();
    add(driver);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.order).toEqual(order);
  });

  it('checks the whole batch, not only its first command', async () => {
    const { driver, fake } = await bootDriver();
    driver.begin();
    addPages(driver, 2);
    driver.addCfgiSte(8);
    driver.addCfgiCd(8, 0);
    driver.addAtcInv(8, 0, 0, NO_SIZE);
    driver.addTlbiNhAsid(0, 1);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.order).toEqual([
      '1:12',
      '1:12',
      '1:46',
      '0:3',
      '0:5',
      '0:46',
      '1:40',
      '1:11',
      '1:46',
    ]);
    // One store to PROD covers each run and its CMD_SYNC.
    expect(prodWrites(fake).length).toBe(3);
  });

  it.each([0, 1, 2, 5])('chooses the VCMDQ by processor (%i)', async (cpu) => {
    const { driver, fake } = await bootDriver();
    driver.setCpu(cpu);
    expect(driver.invalidateSpace(1)).toBe(RESULT_OK);
    expect(fake.order).toEqual([`${1 + (cpu % 2)}:11`, `${1 + (cpu % 2)}:46`]);
  });

  it('does not use the VCMDQs when they are switched off', async () => {
    const { driver, fake } = await bootDriver();
    driver.setBypassVcmdq(1);
    driver.begin();
    addPages(driver, 2);
    driver.addCfgiSte(8);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.order).toEqual(['0:12', '0:12', '0:3', '0:46']);
    expect(prodWrites(fake).length).toBe(1);
  });

  it('sends everything to the VCMDQ when it owns the VINTF as a hypervisor', async () => {
    const { driver, fake } = await bootDriver({ hypervisor: true });
    driver.begin();
    driver.addCfgiSte(8);
    driver.addTlbiNhAsid(0, 1);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.order).toEqual(['1:3', '1:11', '1:46']);
  });
});

describe('order of two queues', () => {
  it('sends nothing to the second queue before the first one is synced', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(1);
    const seen: string[] = [];
    fake.onWait = () => {
      seen.push(...prodWrites(fake));
      fake.held.delete(1);
      fake.consume(1);
    };
    driver.begin();
    addPages(driver, 1);
    driver.addCfgiSte(8);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(seen).toEqual(['w C 30004 2']);
    expect(fake.order).toEqual(['1:12', '1:46', '0:3', '0:46']);
  });

  it('waits with the VCMDQ as well while the CMDQ has not completed', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(0);
    fake.onWait = () => {
      expect(prodWrites(fake)).toEqual(['w S 098 e']);
      fake.consume(0, 1);
    };
    driver.begin();
    driver.addCfgiSte(8);
    addPages(driver, 1);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.waits).toBe(2);
    expect(fake.order).toEqual(['0:3', '0:46', '1:12', '1:46']);
  });

  it('sends nothing to the second queue when the first one never completes', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(1);
    driver.begin();
    addPages(driver, 1);
    driver.addCfgiSte(8);
    expect(driver.submit()).toBe(RESULT_TIMEOUT);
    expect(prodWrites(fake)).toEqual(['w C 30004 2']);
  });

  it('syncs a full part that went out without a CMD_SYNC before it changes the queue', async () => {
    const { driver, fake } = await bootDriver();
    driver.begin();
    addPages(driver, 64);
    driver.addCfgiSte(8);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.order.slice(64)).toEqual(['1:46', '0:3', '0:46']);
  });
});

describe('batches', () => {
  it('sends 64 commands and their CMD_SYNC under one store to PROD', async () => {
    const { driver, fake } = await bootDriver();
    driver.begin();
    addPages(driver, 64);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(prodWrites(fake)).toEqual(['w C 30004 41']);
    expect(fake.order).toEqual([...Array.from({ length: 64 }, () => '1:12'), '1:46']);
    expect(fake.taken.map(({ dw1 }) => Number(dw1 >> 12n)).slice(0, 64)).toEqual(
      Array.from({ length: 64 }, (_, i) => i + 1),
    );
    // CS = 0, the only one that a VCMDQ supports.
    expect(fake.taken[64]?.dw0).toBe(0x0fc00046n);
  });

  it('sends a full batch without a CMD_SYNC when more commands follow', async () => {
    const { driver, fake } = await bootDriver();
    driver.begin();
    addPages(driver, 65);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(prodWrites(fake)).toEqual(['w C 30004 40', 'w C 30004 42']);
    expect(fake.order.filter((command) => command === '1:46').length).toBe(1);
    expect(fake.order.at(-1)).toBe('1:46');
  });

  it('sends nothing after a part that found no room', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(1);
    driver.begin();
    addPages(driver, 5 * 64);
    driver.addCfgiSte(8);
    expect(driver.submit()).toBe(RESULT_TIMEOUT);
    expect(prodWrites(fake).at(-1)).toBe('w C 30004 100');
    expect(fake.order).toEqual([]);
    fake.held.delete(1);
    fake.consume(1);
    expect(driver.invalidateSpace(1)).toBe(RESULT_OK);
  });

  it('sends nothing for an empty batch', async () => {
    const { driver, fake } = await bootDriver();
    driver.begin();
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.log).toEqual([]);
  });

  it('marks batches on the direct path for the host, and only those', async () => {
    const { driver, fake } = await bootDriver();
    const marks: number[] = [];
    fake.errorOf = () => {
      marks.push(fake.view.getUint32(ABI_AT_INVALIDATING, true));
      return 0;
    };
    driver.invalidateSpace(1);
    expect(marks).toEqual([1, 1]);
    expect(fake.view.getUint32(ABI_AT_INVALIDATING, true)).toBe(0);
    marks.length = 0;
    driver.begin();
    addPages(driver, 1);
    driver.addCfgiSte(8);
    driver.submit();
    expect(marks).toEqual([0, 0, 0, 0]);
    // Nor when only a first part went to the VCMDQ: from the first command on the CMDQ
    // there are exits.
    marks.length = 0;
    driver.begin();
    addPages(driver, 64);
    driver.addCfgiSte(8);
    driver.submit();
    expect(marks).toEqual([...Array.from({ length: 64 }, () => 1), 0, 0, 0]);
  });
});

describe('rings', () => {
  it('wraps with the wrap bit', async () => {
    const { driver, fake } = await bootDriver();
    for (let batch = 0; batch < 12; batch++) {
      driver.begin();
      addPages(driver, 50);
      expect(driver.submit()).toBe(RESULT_OK);
    }
    // 12 * 51 entries on a ring of 256: 612 = 2 * 256 + 100, wrap bit 0; the first lap
    // ended at PROD 0x100.
    expect(driver.queueProd(1)).toBe(100);
    expect(prodWrites(fake).slice(0, 11).at(-1)).toBe('w C 30004 31');
    expect(prodWrites(fake)[5]).toBe('w C 30004 132');
    expect(fake.taken.length).toBe(612);
    expect(fake.taken.every(({ op }, i) => op === (i % 51 === 50 ? 0x46 : 0x12))).toBe(true);
  });

  it('waits for room on a full ring and sends nothing before', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(1);
    const commands = driver.allocateBytes(64 * 16, 64);
    for (let i = 0; i < 64; i++) fake.view.setBigUint64(commands + 16 * i, 0x11n, true);
    for (let part = 0; part < 4; part++)
      expect(driver.issueRaw(1, commands, 64, 0)).toBe(RESULT_OK);
    expect(driver.queueProd(1)).toBe(256);
    fake.forget();
    const written: number[] = [];
    fake.onWait = () => {
      written.push(prodWrites(fake).length);
      fake.consume(1, 3);
    };
    fake.view.setBigUint64(commands, 0x12n, true);
    expect(driver.issueRaw(1, commands, 5, 0)).toBe(RESULT_OK);
    // Three entries are not enough for five commands, six are.
    expect(written).toEqual([0, 0]);
    expect(prodWrites(fake)).toEqual(['w C 30004 105']);
    expect(fake.view.getUint8(driver.queueRing(1))).toBe(0x12);
  });

  it('waits as well when there is room for a part of the batch', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(1);
    const commands = driver.allocateBytes(254 * 16, 64);
    for (let i = 0; i < 254; i++) fake.view.setBigUint64(commands + 16 * i, 0x11n, true);
    expect(driver.issueRaw(1, commands, 254, 0)).toBe(RESULT_OK);
    fake.onWait = () => fake.consume(1, 1);
    expect(driver.issueRaw(1, commands, 4, 0)).toBe(RESULT_OK);
    expect(fake.waits).toBe(2);
  });

  it('refuses more commands than the ring has entries', async () => {
    const { driver } = await bootDriver();
    expect(driver.issueRaw(1, driver.allocateBytes(4096, 64), 256, 1)).toBe(RESULT_BAD_ARGUMENT);
  });

  it('is not affected by other fields of CONS', async () => {
    const { driver, fake } = await bootDriver();
    fake.errorOf = () => {
      fake.set(SMMU_GPA + 0x9c, 0x7f000000);
      return 0;
    };
    driver.setBypassVcmdq(1);
    expect(driver.invalidateSpace(1)).toBe(RESULT_OK);
  });
});

describe('bounded waiting', () => {
  it('gives up on a queue that never completes, after the stated number of spins and waits', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(1);
    expect(driver.invalidateSpace(1)).toBe(RESULT_TIMEOUT);
    expect(fake.waits).toBe(driver.queueWaits.value);
    const reads = fake.log.filter((line) => line === 'r C 30000').length;
    expect(reads).toBe((driver.queueWaits.value + 1) * driver.spinsPerWait.value);
    expect(fake.view.getUint32(ABI_AT_INVALIDATING, true)).toBe(0);
  });

  it('with a drain thread spins longer, but not forever, before it exits to the host', async () => {
    const { driver, fake } = await bootDriver({ direct: true });
    fake.view.setUint32(ABI_AT_MAPS + ABI_MAP_FLAGS, 0, true);
    // Without doorbells the fake has to be notified of PROD, which a drain thread polls
    // itself.
    fake.onWait = () => fake.store(CMDQV_GPA + 0x30004, fake.get(CMDQV_GPA + 0x30004));
    const doorbells = driver.doorbells();
    driver.begin();
    addPages(driver, 1);
    const start = performance.now();
    expect(driver.submit()).toBe(RESULT_OK);
    // Twenty million reads: a nanosecond each would be very fast.
    expect(performance.now() - start).toBeGreaterThan(20);
    expect([fake.waits, driver.doorbells() - doorbells]).toEqual([1, 0]);
  });

  it('after a doorbell waits for another thread that owns the queue, and exits at once on request', async () => {
    const { driver, fake } = await bootDriver({ direct: true });
    fake.held.add(1);
    fake.onWait = () => {
      fake.held.delete(1);
      fake.consume(1);
    };
    const invalidate = () => {
      fake.held.add(1);
      driver.begin();
      addPages(driver, 1);
      const [start, waits] = [performance.now(), fake.waits];
      expect(driver.submit()).toBe(RESULT_OK);
      return [performance.now() - start, fake.waits - waits] as const;
    };
    // A million spins of 32 reads.
    const [patient, once] = invalidate();
    fake.view.setUint32(ABI_AT_EXIT_REQUEST, 1, true);
    // The shortest of several: other programs may run in between.
    const asked = Array.from({ length: 5 }, invalidate);
    expect([once, ...asked.map(([, waits]) => waits)]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(patient).toBeGreaterThan(4);
    expect(Math.min(...asked.map(([time]) => time))).toBeLessThan(patient / 2);
  });

  it('after a doorbell gives up early once it has waited long', async () => {
    const { driver, fake } = await bootDriver({ direct: true });
    fake.held.add(1);
    driver.begin();
    addPages(driver, 1);
    const times = [performance.now()];
    fake.onWait = () => times.push(performance.now());
    expect(driver.submit()).toBe(RESULT_TIMEOUT);
    expect(fake.waits).toBe(driver.queueWaits.value);
    // A million spins once, and a thousand before each of the later waits: their median,
    // as other programs may run in between.
    const [first = 0, ...later] = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    const [median = first] = later.sort((a, b) => a - b).slice(later.length / 2);
    expect(median).toBeLessThan(first / 10);
  });

  it('gives up on a full ring as well, and adds nothing to it', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(1);
    const commands = driver.allocateBytes(4096, 64);
    expect(driver.issueRaw(1, commands, 256, 0)).toBe(RESULT_OK);
    expect(driver.issueRaw(1, commands, 1, 1)).toBe(RESULT_TIMEOUT);
    expect(driver.queueProd(1)).toBe(256);
  });

  it('notices a late completion', async () => {
    const { driver, fake } = await bootDriver();
    fake.held.add(1);
    fake.onWait = () => {
      if (fake.waits === 150) fake.consume(1);
    };
    expect(driver.invalidateSpace(1)).toBe(RESULT_OK);
  });
});

describe('direct page 0', () => {
  it('completes without an access outside guest memory, with one doorbell for each store', async () => {
    const { driver, fake } = await bootDriver({ direct: true });
    const before = driver.doorbells();
    driver.begin();
    addPages(driver, 16);
    expect(driver.submit()).toBe(RESULT_OK);
    expect(fake.log.filter((line) => !line.startsWith('take'))).toEqual([]);
    expect(fake.waits).toBe(0);
    expect(fake.doorbells).toEqual([4]);
    expect(driver.doorbells() - before).toBe(1);
    expect(fake.taken.length).toBe(17);
  });

  it('rings the doorbell of the slot that was stored to', async () => {
    const { driver, fake } = await bootDriver({ direct: true });
    driver.setCpu(1);
    expect(driver.invalidateSpace(1)).toBe(RESULT_OK);
    expect(fake.doorbells).toEqual([0x84]);
    expect(fake.get(CMDQV_GPA + 0x30084)).toBe(2);
  });

  it('wakes the thread of the drain if it sleeps, where there is no doorbell', async () => {
    const { driver, fake } = await loadDriver({ direct: true });
    fake.view.setUint32(ABI_AT_MAPS + ABI_MAP_FLAGS, 0, true);
    const afterStore = (sleeping: number) => {
      fake.view.setUint32(ABI_AT_DRAIN_SLEEPING, sleeping, true);
      driver.registerWrite32(CMDQV_GPA + 0x30004, 1);
      return [ABI_AT_DRAIN_SLEEPING, ABI_AT_DRAIN_WAKE].map((at) => fake.view.getUint32(at, true));
    };
    expect([afterStore(0), afterStore(1), afterStore(0)]).toEqual([
      [0, 0],
      [0, 1],
      [0, 1],
    ]);
    expect(fake.doorbells).toEqual([]);
  });
});
