// SPDX-License-Identifier: MIT
// Linux's arm-smmu-v3 and tegra241-cmdqv on the models, from probe to removal, in the
// role of a host and of a guest, for several sets of ID registers.

import { describe, expect, it } from 'vitest';
import {
  GUEST_ID_REGISTERS,
  PAGE_REQUEST_GUEST_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
} from '../../devices/smmuv3/index.ts';
import { cfgiSte, priResp, resume, tlbiNhAsid } from '../../devices/tables/index.ts';
import { ArmSmmuV3, type Domain } from '../support/drivers/arm-smmu-v3.ts';
import type { DriverPlatform } from '../support/drivers/driver-platform.ts';
import { guestRole } from '../support/drivers/guest-role.ts';
import { hostRole } from '../support/drivers/host-role.ts';
import { ID_REGISTER_SETS } from '../support/drivers/id-register-sets.ts';

const IOVA = 0x1000_0000;

interface Booted {
  readonly platform: DriverPlatform;
  readonly driver: ArmSmmuV3;
  readonly domain: Domain;
}

/** Probe and reset, with the stream attached to a domain with 64 pages at IOVA. */
function boot(platform: DriverPlatform, options?: { readonly kdump: boolean }): Booted {
  const driver = new ArmSmmuV3(platform, options);
  driver.reset();
  const domain = driver.domain();
  driver.map(domain, IOVA);
  driver.insertMaster(platform.stream);
  driver.attach(platform.stream, domain);
  return { platform, driver, domain };
}

/** DMA works, an unmap takes effect, and no error remains. */
function expectWorking({ platform, driver, domain }: Booted): void {
  const { granule } = driver.features;
  const at = IOVA + 0x40 * granule;
  driver.map(domain, at);
  expect([platform.dma(IOVA, true), platform.byteAt(platform.buffer)]).toEqual(['done', 0xd1]);
  expect(platform.dma(at)).toBe('done');
  driver.unmap(domain, at, granule);
  expect([platform.dma(at), platform.dma(IOVA)]).toEqual(['fault', 'done']);
  platform.idle();
  driver.handleInterrupts();
  expect(platform.smmu.read32(0x60)).toBe(platform.smmu.read32(0x64));
}

/**
 * The next kernel boots, and finds nothing of the previous one: its own page is at the
 * same address, with the same ASID.
 */
function expectTakenOver(
  platform: DriverPlatform,
  { abortsMeanwhile = false }: { readonly abortsMeanwhile?: boolean } = {},
): void {
  const driver = new ArmSmmuV3(platform);
  driver.reset();
  driver.handleInterrupts();
  expect([driver.errors, driver.cmdqv.errors, driver.timeouts]).toEqual([[], [], 0]);
  // GBPA still aborts if the SMMU was found running; the STE of a stream without a master
  // aborts now.
  expect((platform.smmu.read32(0x44) >>> 20) & 1).toBe(abortsMeanwhile ? 1 : 0);
  expect(platform.dma(IOVA)).toBe('fault');
  const domain = driver.domain();
  driver.map(domain, IOVA, 1);
  driver.insertMaster(platform.stream);
  driver.attach(platform.stream, domain);
  expect(platform.dma(IOVA, true)).toBe('done');
  expect(platform.byteAt(platform.buffer + driver.features.granule)).toBe(0xd1);
  platform.idle();
  driver.handleInterrupts();
  expect([driver.errors, driver.cmdqv.errors]).toEqual([[], []]);
}

const CASES = [
  ...ID_REGISTER_SETS.flatMap(({ name, host, guest, below }) => [
    { name: `a host's kernel, ${name} ID registers`, make: () => Promise.resolve(hostRole(host)) },
    { name: `a guest's kernel, ${name} ID registers`, make: () => guestRole(guest, below) },
  ]),
  {
    name: "a guest's kernel, its CMDQ overlaid",
    make: () => guestRole(GUEST_ID_REGISTERS, PHYSICAL_ID_REGISTERS, { overlay: true }),
  },
  {
    name: "a guest's kernel, with PRI, the SMMU's interrupts MSIs to a doorbell",
    make: () => guestRole(PAGE_REQUEST_GUEST_ID_REGISTERS, PHYSICAL_ID_REGISTERS, { msis: true }),
  },
  {
    name: "a host's kernel, the SMMU's interrupts MSIs",
    make: () => Promise.resolve(hostRole(PHYSICAL_ID_REGISTERS, true)),
  },
];

/** An opcode that no queue accepts. */
const BAD = new Uint32Array([0xff, 0, 0, 0]);
/** TLBI_NSNH_ALL. */
const NSNH_ALL = new Uint32Array([0x30, 0, 0, 0]);

describe.each(CASES)('$name', ({ make }) => {
  it('probes and resets, and ends with the registers that it has written', async () => {
    const booted = boot(await make());
    const { platform, driver } = booted;
    const { smmu, cmdqv } = platform;
    const { ats, pri } = driver.features;
    const enables = 0xd | (ats ? 0x10 : 0) | (pri ? 2 : 0);
    expect([0x20, 0x24, 0x54, 0x44].map((at) => smmu.read32(at))).toEqual([
      enables,
      enables,
      pri ? 7 : 5,
      0x1000,
    ]);
    expect([cmdqv.read32(0x0008), cmdqv.read32(0x1004) & 1]).toEqual([1, 1]);
    expect(driver.cmdqv.hypOwn).toBe(platform.role === 'host');
    expectWorking(booted);
    expect([driver.errors, driver.cmdqv.errors, driver.events.length]).toEqual([[], [], 1]);
  });

  it('unmaps in batches around its rings, by pages, ranges and ASIDs', async () => {
    const { platform, driver, domain } = boot(await make());
    const { granule, commandsLog2 } = driver.features;
    const far = IOVA + 0x1000 * granule;
    const ring = 2 ** Math.min(commandsLog2, 8);
    // 33 pages are two ranges, the second one unaligned; a driver unmaps at most a
    // table's worth page by page.
    for (let issued = 0; issued < 2 * ring; issued += 33) {
      driver.map(domain, far, 0, 33);
      for (const page of [0, 32]) expect(platform.dma(far + page * granule)).toBe('done');
      driver.unmap(domain, far, 33 * granule);
      for (const page of [0, 32]) expect(platform.dma(far + page * granule)).toBe('fault');
      driver.issueOn(driver.commands, cfgiSte(platform.stream), NSNH_ALL);
    }
    driver.map(domain, far, 0, 2);
    expect(platform.dma(far + granule)).toBe('done');
    domain.table.unmap(far, 2 * granule);
    driver.issueAndSync(...driver.invalidationsOf(domain, far, 1024 * granule));
    expect(platform.dma(far + granule)).toBe('fault');
    expect([driver.errors, driver.cmdqv.errors]).toEqual([[], []]);
  });

  it('skips each bad command on the CMDQ, with an interrupt for each', async () => {
    const booted = boot(await make());
    const { platform, driver } = booted;
    driver.issueOn(driver.commands, cfgiSte(platform.stream), BAD, NSNH_ALL, BAD);
    expect(driver.errors).toEqual([
      { active: 1, code: 1 },
      { active: 1, code: 1 },
    ]);
    expect(driver.commands.skipped).toEqual([0xffn, 0xffn]);
    expectWorking(booted);
  });

  it('skips each bad command on a VCMDQ, with an interrupt for each', async () => {
    const booted = boot(await make());
    const { platform, driver } = booted;
    const [, queue] = driver.cmdqv.queues;
    if (!queue) throw new Error('VINTF 0 has two VCMDQs');
    // A guest's VCMDQ also refuses commands that are not allowed on a lent one.
    const bad = platform.role === 'host' ? BAD : NSNH_ALL;
    driver.issueOn(queue, bad, tlbiNhAsid(0, 1), bad);
    expect(driver.cmdqv.errors).toEqual([
      { lvcmdq: 1, code: 1 },
      { lvcmdq: 1, code: 1 },
    ]);
    expect(driver.errors).toEqual([]);
    expectWorking(booted);
  });

  it('reads the events of faults, and acknowledges an overflow', async () => {
    const { platform, driver } = boot(await make());
    const { granule, eventsLog2 } = driver.features;
    const far = IOVA + 0x2000 * granule;
    expect(platform.dma(far)).toBe('fault');
    platform.idle();
    driver.handleInterrupts();
    // F_TRANSLATION: RnW, CLASS IN.
    expect(driver.events).toEqual([
      [0x10n | (BigInt(platform.stream) << 32n), 0x0208n << 32n, BigInt(far), 0n],
    ]);
    for (let i = 0; i < 2 ** eventsLog2 + 2; i++) {
      platform.dma(far + i * granule);
      // A host handles 16 records in a turn.
      if (i % 16 === 15) platform.idle();
    }
    platform.idle();
    driver.handleInterrupts();
    expect([driver.events.length, driver.overflows]).toEqual([1 + 2 ** eventsLog2, 1]);
    expect(platform.dma(far)).toBe('fault');
    platform.idle();
    driver.handleInterrupts();
    expect([driver.events.length, driver.overflows]).toEqual([2 + 2 ** eventsLog2, 1]);
  });

  it('answers a stalled access with RESUME', async () => {
    const { platform, driver } = boot(await make());
    if (!driver.features.stalls) {
      // The CD for an SMMU without stalls does not request any (arm_smmu_make_s1_cd).
      expect(platform.dma(IOVA + 0x4000 * driver.features.granule)).toBe('fault');
      return;
    }
    const domain = driver.domain();
    driver.attach(platform.stream, domain, { stall: true });
    expect(platform.dma(IOVA)).toBe('stalled');
    platform.idle();
    driver.handleInterrupts();
    const [, dw1 = 0n] = driver.events.at(-1) ?? [];
    expect((dw1 >> 31n) & 1n).toBe(1n);
    driver.map(domain, IOVA);
    // arm_smmu_page_response: a RESUME without a CMD_SYNC.
    driver.issue(resume(platform.stream, Number(dw1 & 0xffffn), 'retry'));
    platform.idle();
    expect(platform.dma(IOVA)).toBe('done');
  });

  it('is taken over by the next kernel after a shutdown', async () => {
    const platform = await make();
    const first = boot(platform);
    expect(platform.dma(IOVA)).toBe('done');
    first.driver.shutdown();
    // GBPA bypasses it.
    expect([platform.dma(IOVA), platform.dma(platform.buffer)]).toEqual(['fault', 'done']);
    expectTakenOver(platform);
  });

  it('is taken over by the next kernel without a shutdown, queues running and errors pending', async () => {
    const platform = await make();
    const { driver, domain } = boot(platform);
    expect(platform.dma(IOVA)).toBe('done');
    expect(platform.dma(IOVA + 0x2000 * driver.features.granule)).toBe('fault');
    for (const queue of driver.cmdqv.queues) queue.issue([BAD, tlbiNhAsid(0, domain.asid)], false);
    platform.idle();
    // The first kernel no longer handles its interrupts.
    for (const line of ['eventq', 'gerror', 'priq', 'cmdqv'] as const) platform.take(line);
    expectTakenOver(platform, { abortsMeanwhile: true });
  });

  it('with a command error pending has the next kernel wait, until the error is acknowledged', async () => {
    const platform = await make();
    const first = boot(platform);
    first.driver.commands.issue([cfgiSte(platform.stream), BAD, NSNH_ALL], false);
    platform.idle();
    expect(platform.take('gerror')).toBe(1);
    // CMDQEN neither ends the error nor starts the queue (IHI 0070 section 6.3.28).
    const driver = new ArmSmmuV3(platform);
    driver.reset();
    expect(driver.timeouts).toBeGreaterThan(1);
    expect((platform.smmu.read32(0x60) ^ platform.smmu.read32(0x64)) & 1).toBe(1);
    expect([driver.commands.cons, platform.take('gerror')]).toEqual([0, 0]);
    // The handler is called for another interrupt (arm_smmu_combined_irq_handler).
    // CONS.ERR is 0, and there is nothing to skip.
    driver.gerrorHandler();
    expect(driver.errors).toEqual([{ active: 1, code: 0 }]);
    expect([driver.commands.skipped, driver.commands.cons === 0]).toEqual([[], false]);
    const domain = driver.domain();
    driver.map(domain, IOVA);
    driver.insertMaster(platform.stream);
    driver.attach(platform.stream, domain);
    expectWorking({ platform, driver, domain });
    expect(driver.errors).toHaveLength(1);
  });

  it('uses a domain of its own for accesses with a PASID, in a table of CDs', async () => {
    const { platform, driver, domain } = boot(await make());
    const { ssidBits, granule, twoLevelCds } = driver.features;
    const [ssid, other] = [0x2345, 0x2746];
    if (ssidBits === 0) {
      expect(platform.dma(IOVA, false, ssid)).toBe('fault');
      platform.idle();
      driver.handleInterrupts();
      // C_BAD_SUBSTREAMID.
      expect((driver.events.at(-1)?.[0] ?? 0n) & 0xffn).toBe(8n);
      return;
    }
    expect(twoLevelCds).toBe(true);
    driver.attach(platform.stream, domain, { ssidBits });
    const second = driver.domain();
    driver.map(second, IOVA, 1);
    // Without a CD, and without a leaf table for one.
    const events = () => {
      platform.idle();
      driver.handleInterrupts();
      return driver.events
        .splice(0)
        .map(([first = 0n]) => [first & 0xffn, (first >> 12n) & 0xfffffn]);
    };
    events();
    expect(platform.dma(IOVA, false, ssid)).toBe('fault');
    expect(events()).toEqual([[8n, BigInt(ssid)]]);
    driver.attachPasid(platform.stream, ssid, second);
    expect(platform.dma(IOVA, true, ssid)).toBe('done');
    expect(platform.byteAt(platform.buffer + granule)).toBe(0xd1);
    expect(platform.byteAt(platform.buffer)).toBe(0);
    expect(platform.dma(IOVA, true)).toBe('done');
    expect(platform.byteAt(platform.buffer)).toBe(0xd1);
    // In the same leaf, whose CD is not valid; in another leaf; and CD 0's (S1DSS).
    expect([0x2346, other, 0].map((pasid) => platform.dma(IOVA, false, pasid))).toEqual([
      'fault',
      'fault',
      'fault',
    ]);
    expect(events()).toEqual([
      [0xan, 0x2346n],
      [8n, BigInt(other)],
      [6n, 0n],
    ]);
    driver.unmap(second, IOVA, granule);
    expect([platform.dma(IOVA, false, ssid), platform.dma(IOVA)]).toEqual(['fault', 'done']);
    driver.detachPasid(platform.stream, ssid);
    events();
    expect(platform.dma(IOVA, false, ssid)).toBe('fault');
    expect(events()).toEqual([[0xan, BigInt(ssid)]]);
    expect([driver.errors, driver.cmdqv.errors]).toEqual([[], []]);
  });

  it('denies a page request, and empties the ATC of an unmap', async () => {
    const { platform, driver, domain } = boot(await make());
    const { granule, ats, pri } = driver.features;
    const hole = IOVA + 0x3000 * granule;
    if (ats) {
      driver.attach(platform.stream, domain, { ats });
      driver.map(domain, hole);
      expect([platform.dma(hole), platform.dma(IOVA)]).toEqual(['done', 'done']);
      driver.unmap(domain, hole, granule, platform.stream);
      expect([platform.dma(hole), platform.dma(IOVA)]).toEqual(['fault', 'done']);
    }
    if (!pri) {
      driver.issueOn(driver.commands, priResp(platform.stream, 1, 0));
      expect(driver.errors).toEqual([{ active: 1, code: 1 }]);
      return;
    }
    platform.ats(true, true);
    expect(platform.dma(hole)).toBe('stalled');
    platform.idle();
    driver.handleInterrupts();
    const [[first = 0n, second = 0n] = []] = driver.pageRequests;
    expect(driver.pageRequests).toHaveLength(1);
    // LAST, READ, StreamID; the page.
    expect([first, second & ~0xfffn]).toEqual([
      0x5000_0000_0000_0000n | BigInt(platform.stream),
      BigInt(hole),
    ]);
    platform.idle();
    expect(platform.dma(hole)).toBe('fault');
    expect([platform.dma(IOVA), driver.errors, driver.cmdqv.errors]).toEqual(['done', [], []]);
  });

  it('is taken over by a kdump kernel, which disables events', async () => {
    const platform = await make();
    boot(platform);
    expect(platform.dma(IOVA)).toBe('done');
    const second = boot(platform, { kdump: true });
    expect(platform.smmu.read32(0x20) & 0xf).toBe(0x9);
    expect(platform.dma(IOVA + 0x2000 * second.driver.features.granule)).toBe('fault');
    platform.idle();
    expect([platform.take('eventq'), platform.smmu.read32(0x100a8)]).toEqual([0, 0]);
    expect(platform.dma(IOVA, true)).toBe('done');
  });

  it('is removed, and probed again', async () => {
    const platform = await make();
    const first = boot(platform);
    expectWorking(first);
    first.driver.remove();
    expect([platform.smmu.read32(0x24), platform.cmdqv.read32(0x1004) & 1]).toEqual([0, 0]);
    expectTakenOver(platform);
  });
});
