// SPDX-License-Identifier: MIT
// The driver as a library for guests: bring-up of everything in one call, and domains.

import { describe, expect, it } from 'vitest';
import { FakeEcmdqs } from '../support/fake-ecmdqs.ts';
import {
  bootDriver,
  loadDriver,
  RESULT_BAD_ARGUMENT,
  RESULT_EXISTS,
  RESULT_OK,
  RESULT_TIMEOUT,
  RESULT_UNSUPPORTED,
} from '../support/guest-driver.ts';

/** CMDQV_PARAM of a CMDQV that the driver does not support. */
const NO_CMDQV = { param: 0 };

describe('bringing up what the board has', () => {
  it('makes the accesses of its steps in their order', async () => {
    const steps = await loadDriver();
    for (const step of ['probe', 'reset', 'resetQueues'] as const)
      expect(steps.driver[step]()).toBe(RESULT_OK);
    const whole = await loadDriver();
    expect(whole.driver.bringUp()).toBe(RESULT_OK);
    expect(whole.fake.log).toEqual(steps.fake.log);
    expect(whole.driver.directQueueCount()).toBe(2);
  });

  it('uses ECMDQs without a CMDQV, and only the CMDQ without either', async () => {
    const enhanced = await loadDriver(NO_CMDQV);
    new FakeEcmdqs(enhanced.fake);
    expect(enhanced.driver.bringUp()).toBe(RESULT_OK);
    expect(enhanced.driver.directQueueCount()).toBe(4);

    const alone = await loadDriver(NO_CMDQV);
    expect(alone.driver.bringUp()).toBe(RESULT_OK);
    expect(alone.driver.directQueueCount()).toBe(0);
    alone.fake.forget();
    expect(alone.driver.invalidate(1, 0x1000, 0, 1)).toBe(RESULT_OK);
    expect(alone.fake.order).toEqual(['0:12', '0:46']);
  });

  it('reports what prevents it', async () => {
    const unsupported = await loadDriver({ idr0: 0x0540141a & ~2 });
    expect(unsupported.driver.bringUp()).toBe(RESULT_UNSUPPORTED);
    const silent = await loadDriver();
    silent.fake.acknowledges = false;
    expect(silent.driver.bringUp()).toBe(RESULT_TIMEOUT);
  });
});

describe('a domain', () => {
  async function attached() {
    const { driver, fake } = await bootDriver();
    const domain = driver.newDomain(7);
    expect(driver.domainMap(domain, 0x5000, 1, 0x80400000, 3)).toBe(RESULT_OK);
    expect(driver.domainAttach(domain, 8)).toBe(RESULT_OK);
    fake.forget();
    const mapped = () =>
      [0x5000, 0x6000, 0x7000].map(
        (iova) => driver.descriptor(driver.domainTable(domain), iova, 1) >>> 0,
      );
    return { driver, fake, domain, mapped };
  }

  it('maps pages without a command, and attaches a stream by its own CD', async () => {
    const { driver, fake, mapped } = await attached();
    expect(mapped()).toEqual([0x80400f47, 0x80401f47, 0x80402f47]);
    const ste = fake.view.getBigUint64(driver.streamTableEntry(8), true);
    const cd = Number(ste & 0xfffff_ffff_ffc0n) - 0x80000000;
    expect(fake.view.getBigUint64(cd, true) >> 48n).toBe(7n);
    expect(fake.order).toEqual([]);
  });

  it('unmaps pages: descriptors first, then TLBI_NH_VA of its ASID and a CMD_SYNC', async () => {
    const { driver, fake, domain, mapped } = await attached();
    const seen: number[][] = [];
    fake.errorOf = () => {
      seen.push(mapped());
      return 0;
    };
    expect(driver.domainUnmap(domain, 0x5000, 1, 2)).toBe(RESULT_OK);
    expect(fake.order).toEqual(['1:12', '1:46']);
    expect((fake.taken[0]?.dw0 ?? 0n) >> 48n).toBe(7n);
    expect(seen).toEqual(Array(2).fill([0, 0, 0x80402f47]));
    // Again, with nothing mapped.
    expect(driver.domainUnmap(domain, 0x5000, 1, 2)).toBe(RESULT_OK);
  });

  it('unmaps pages with range invalidation: the ranges follow one another, and cover all', async () => {
    // SMMU_IDR3.RIL.
    const { driver, fake } = await bootDriver({ idr3: 1 << 10 });
    const domain = driver.newDomain(7);
    expect(driver.domainMap(domain, 0x5000, 1, 0x80400000, 67)).toBe(RESULT_OK);
    expect(driver.domainUnmap(domain, 0x5000, 1, 66)).toBe(RESULT_OK);
    const ranges = fake.taken.slice(0, -1).map(({ dw0, dw1 }) => {
      const pages = (((dw0 >> 12n) & 31n) + 1n) << ((dw0 >> 20n) & 31n);
      return [dw0 & 0xffn, (dw1 >> 12n) << 12n, pages];
    });
    expect(ranges).toEqual([
      [0x12n, 0x1_0000_5000n, 2n],
      [0x12n, 0x1_0000_7000n, 64n],
    ]);
  });

  it('reports an invalidation that does not complete', async () => {
    const { driver, fake, domain } = await attached();
    fake.held.add(1);
    expect(driver.domainUnmap(domain, 0x5000, 1, 1)).toBe(RESULT_TIMEOUT);
  });

  it.each([
    ['beyond 48 bits', 0xfffff000, 0xffff, 2],
    ['where 64 bits end', 0xfffff000, 0xffffffff, 1],
    ['in the middle of a page', 0x5800, 1, 1],
  ])('refuses pages %s, and sends nothing', async (_, lo, hi, pages) => {
    const { driver, fake, domain } = await attached();
    expect(driver.domainMap(domain, lo, hi, 0x80400000, pages)).toBe(RESULT_BAD_ARGUMENT);
    expect(driver.domainUnmap(domain, lo, hi, pages)).toBe(RESULT_BAD_ARGUMENT);
    expect(fake.order).toEqual([]);
  });

  it('reaches the last page of 48 bits, and maps nothing twice', async () => {
    const { driver, domain } = await attached();
    expect(driver.domainMap(domain, 0xfffff000, 0xffff, 0x80400000, 1)).toBe(RESULT_OK);
    expect(driver.domainMap(domain, 0xfffff000, 0xffff, 0x80400000, 1)).toBe(RESULT_EXISTS);
    expect(driver.domainUnmap(domain, 0xfffff000, 0xffff, 1)).toBe(RESULT_OK);
  });

  it('is missing when memory is exhausted', async () => {
    const { driver } = await bootDriver();
    while (driver.allocateBytes(0x100000, 64) !== 0);
    while (driver.allocateBytes(4096, 64) !== 0);
    expect(driver.newDomain(7)).toBe(0);
  });
});
