// SPDX-License-Identifier: MIT
// A live run in a browser: the toy boots by itself, and the page shows the state of its
// machines.

import { describe, expect, it } from 'vitest';
import type { Handle } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { openOnce } = useDemo();

// One after the other on one page, whose settings they change.
describe('a live run', () => {
  it('boots the toy by itself; neither the direct nor the overlay path causes an exit', async () => {
    const demo = await openOnce('');
    const { page } = demo;
    await demo.console(0, 'UART up, machine 0');
    await demo.console(1, 'work until switched off');
    await demo.console(2, 'work until switched off');
    await demo.traced(3);
    expect(await page.textContent('.lane.direct [data-value=exits]')).toBe('0');
    expect(await page.textContent('.lane.overlay [data-value=exits]')).toBe('0');
    expect(
      Number(await page.textContent('.lane.trapped [data-value=exits]')),
    ).toBeGreaterThanOrEqual(2);
    expect(
      await page.$$eval('[data-value=direct-exits]', (all) => all.map((one) => one.textContent)),
    ).toEqual(['0', '0']);
    expect(await page.textContent('#note')).toBe('');
    // The trapped CMDQ has exits; the VCMDQs have none.
    expect(await page.textContent('[data-value=trapped-exits]')).toMatch(/^[1-9]/);
    expect(await page.textContent('[data-value=overlay-exits]')).toBe('0');
    await demo.shot('live-dark');
  });

  it('decodes commands and event records', async () => {
    const demo = await openOnce('');
    const { page } = demo;
    await page.waitForSelector('.events .command:has-text("F_TRANSLATION")');
    await page.waitForSelector('[data-queue="vm0 VCMDQ 0"] .command:has-text("TLBI_NH_VA")');
    await page.waitForSelector('[data-queue="vm0 CMDQ"] .command:has-text("CMD_SYNC")');
    expect(await page.textContent('.tlb')).toMatch(/vm0\s+ASID 1/);
  });

  it('shows PROD and CONS as they are in memory at a pause, and steps from there', async () => {
    const demo = await openOnce('');
    const { page } = demo;
    await demo.choose({ speed: 'full' });
    await demo.traced(3);
    await page.click('#run');
    await demo.state('paused');
    const raw = await demo.rawQueues();
    const own = ['VCMDQ 0', 'VCMDQ 1', 'CMDQ'];
    const names = [
      ...['vm0', 'vm1'].flatMap((vm) => own.map((queue) => `${vm} ${queue}`)),
      'overlay CMDQ',
    ];
    expect(raw.map(({ vm, queue }) => `${vm} ${queue}`)).toEqual(names);
    for (const name of ['vm0 VCMDQ 0', 'vm1 CMDQ', 'overlay CMDQ']) {
      expect(raw.find(({ vm, queue }) => `${vm} ${queue}` === name)?.cons).toBeGreaterThan(0);
    }
    expect(await demo.shownQueues()).toEqual(raw);
    // PROD and CONS are marked in the ring, and printed with the lap.
    const marks = await page.$$eval('[data-queue="vm0 VCMDQ 0"] li', (all) =>
      all.map((one) => one.getAttribute('data-at')).filter((at) => at !== ''),
    );
    expect(marks).toEqual(['both']);
    for (const place of ['prod', 'cons'])
      expect(await page.textContent(`[data-queue="vm0 VCMDQ 0"] [data-place=${place}]`)).toMatch(
        /^\d+, lap [1-9]/,
      );
    // Every page of the IOTLB is in the list, including the last one.
    const pages = await page.evaluate(() =>
      (globalThis as unknown as { vsmmu: Handle }).vsmmu.picture?.pages.map(({ iova }) => iova),
    );
    expect(await page.textContent('.tlb h2')).toContain(`${pages?.length} pages`);
    await page.$eval('#pages', (list) => {
      list.scrollTop = list.scrollHeight;
    });
    await page.waitForFunction(
      (last) =>
        [...document.querySelectorAll('#pages .page')].at(-1)?.textContent?.startsWith(last),
      pages?.at(-1) ?? '',
    );
    // Each with its hits (test/demo/tlb-hits.test.ts counts them).
    const hits = await page.evaluate(() =>
      (globalThis as unknown as { vsmmu: Handle }).vsmmu.picture?.pages.map((one) => one.hits),
    );
    expect(hits?.every((count) => count !== undefined && count >= 0)).toBe(true);
    expect(await page.$$eval('#pages [data-value=hits]', (all) => all.at(-1)?.textContent)).toBe(
      String(hits?.at(-1)),
    );
    const steps = Number(await page.textContent('#steps'));
    await page.waitForTimeout(300);
    expect(await demo.rawQueues()).toEqual(raw);
    for (let i = 1; i <= 8; i++) {
      await page.click('#step');
      await demo.steps(steps + i);
    }
    const later = await demo.rawQueues();
    expect(later).not.toEqual(raw);
    expect(await demo.shownQueues()).toEqual(later);
  });

  it('has guests on the overlay path without a CMDQV, as any SMMUv3 has one', async () => {
    const demo = await openOnce('');
    const { page } = demo;
    await demo.choose({ vms: '1', path: 'overlay' });
    await demo.traced(1);
    expect(await page.textContent('.lane.overlay [data-value=exits]')).toBe('0');
    expect(await page.$$eval('[data-queue]', (all) => all.map((one) => one.className))).toEqual([
      'queue overlay',
    ]);
    await page.waitForSelector('[data-queue="vm0 CMDQ"] .command:has-text("TLBI_NH_VA")');
    expect(await page.textContent('.node.on')).toMatch(/doorbell\s*[1-9][\d.\skM]* rings/);
    // Setting up its tables took CFGI commands, which the drain leaves to the host.
    expect(Number(await page.textContent('[data-value=interventions]'))).toBeGreaterThan(0);
    await page.click('#run');
    await demo.state('paused');
    expect(await demo.shownQueues()).toEqual(await demo.rawQueues());
  });

  it('reads input from the terminal', async () => {
    const demo = await openOnce('');
    const { page } = demo;
    await demo.choose({ vms: '1', path: 'direct' });
    await demo.console(0, 'work until switched off');
    await page.click('#terminals .xterm-screen');
    await page.keyboard.type('s?');
    await demo.console(0, 'beats, 0 failures');
    await demo.console(0, 'd direct only, t direct and trapped');
    await page.keyboard.type('q');
    await demo.state('ended');
    await demo.console(0, 'checks, 0 failed');
  });

  it('runs vCPUs and drain on workers of their own', async () => {
    const demo = await openOnce('');
    const { page } = demo;
    const threads = { transport: 'mailbox', drain: 'thread', vcpus: '2' };
    await demo.choose({ ...threads, vms: '1', path: 'direct' });
    await demo.traced(1);
    expect(await page.textContent('.where')).toBe('guests on workers of their own, drain: thread');
    expect(await page.textContent('.node.on span')).toBe('0 rings');
    expect(await page.textContent('[data-value=direct-exits]')).toBe('0');
    await page.click('#run');
    await demo.state('paused');
    const raw = await demo.rawQueues();
    expect(raw.map(({ queue }) => queue)).toEqual(['VCMDQ 0', 'VCMDQ 1', 'CMDQ']);
    expect(await demo.shownQueues()).toEqual(raw);
  });
});
