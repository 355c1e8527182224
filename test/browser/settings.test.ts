// SPDX-License-Identifier: MIT
// The settings of a machine: the form, the URL, guests from files.

import { describe, expect, it } from 'vitest';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

describe('settings', () => {
  it('come from the URL and go there', async () => {
    const demo = await open('?vms=1&path=trapped&run=no&speed=full');
    const { page } = demo;
    await demo.state('paused');
    expect(await page.inputValue('select[name=path]')).toBe('trapped');
    expect(await page.inputValue('select[name=vms]')).toBe('1');
    await page.selectOption('select[name=vcpus]', '2');
    await demo.state('paused');
    expect(new URL(page.url()).search).toBe('?path=trapped&vcpus=2&vms=1&speed=full&run=no');
    await page.click('#run');
    await demo.console(0, 'work until switched off');
    await page.waitForSelector('.lane.trapped');
    expect(await page.$$('.lane.direct')).toEqual([]);
    // Reset is a new host: the console is empty again, and nothing runs.
    await page.click('#reset');
    await demo.state('paused');
    expect(await page.textContent('#steps')).toBe('0');
  });

  it('are shown in the controls, even when something other than the control has changed them', async () => {
    const demo = await open('?vms=1');
    const { page } = demo;
    await demo.state('running');
    await page.selectOption('select[name=path]', 'trapped');
    await expect.poll(() => page.url(), { timeout: 20_000 }).toContain('path=trapped');
    await page.click('[data-experiment=hyp-own]');
    await expect.poll(() => page.url(), { timeout: 20_000 }).toContain('experiment=hyp-own');
    await demo.state('ended');
    expect(await page.inputValue('select[name=path]')).toBe('all');
    expect(await page.inputValue('select[name=check]')).toBe('yes');
  });
});
