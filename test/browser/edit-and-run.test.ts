// SPDX-License-Identifier: MIT
// Lines edited by the user, the changes of each step, and single keys.

import { expect, it } from 'vitest';
import { useDemo } from './use-demo.ts';

const { openOnce } = useDemo();

it('the line with the TLBI, deleted, makes the sanitizer speak', async () => {
  const demo = await openOnce('?vms=1&speed=full');
  const { page } = demo;
  await demo.state('running');
  await page.click('#edit-lines');
  const text = await page.inputValue('#lines');
  expect(text).toContain('\ntlbi va 0x1000\n');
  await page.click('#run-lines');
  await page.waitForSelector('[data-lines=clean]');
  expect(await page.getAttribute('.findings', 'data-findings')).toBe('0');
  await demo.console(0, 'the device has read page 1');

  await page.fill('#lines', text.replace('tlbi va 0x1000\n', ''));
  await page.click('#run-lines');
  await demo.drawn();
  // The result of the previous machines is not one of these lines.
  expect(await page.$('[data-lines=clean]')).toBeNull();
  await page.waitForSelector('[data-lines=found]');
  expect(await page.textContent('.findings .found b')).toMatch(/^missing: TLBI_NH_VA /);
  expect(await demo.consoleText(0)).not.toContain('the device has read page 1');
  // The address contains the lines.
  const address = new URL(page.url());
  expect(address.searchParams.get('lines')).not.toContain('tlbi va');
  await page.goBack();
  await page.waitForSelector('[data-lines=clean]');
  expect(await page.inputValue('#lines')).toBe(text);
});

it('a wrong line is reported with its number while one types, and does not run', async () => {
  const demo = await openOnce('?vms=1&speed=full');
  const { page } = demo;
  if (!(await page.isVisible('#lines'))) await page.click('#edit-lines');
  const before = page.url();
  await page.fill('#lines', 'map 0x1000 page 0\ntlb va 0x1000\ndma read 0x1');
  await page.waitForSelector('.problems li:nth-child(2)');
  const problems = await page.$$eval('.problems li', (all) => all.map((one) => one.textContent));
  expect(problems).toEqual([
    expect.stringMatching(/^line 2: "tlb va 0x1000" is none of map, /),
    'line 3: 0x1 is not a multiple of 64',
  ]);
  await page.click('#run-lines');
  await demo.drawn();
  expect(page.url()).toBe(before);
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('lines');
});

it('"What just happened" describes each step of an experiment', async () => {
  const demo = await openOnce('?vms=1&speed=full');
  const { page } = demo;
  await page.click('[data-experiment=stale-dma]');
  await page.waitForSelector('[data-outcome=holds]');
  const step = await page.textContent('.changes li:has-text("F_TRANSLATION")');
  expect(step).toMatch(
    /vm0.*VCMDQ 0 took 2 commands \(TLBI_NH_VA, CMD_SYNC\).*event F_TRANSLATION/s,
  );
  const steps = await page.$$eval('.changes li', (all) =>
    all.map((one) => one.getAttribute('data-step')),
  );
  expect(steps).toEqual([...steps].sort((a, b) => Number(b) - Number(a)));
  await page.click('[data-experiment=none]');
  await demo.traced(3);
  expect(await page.$$('.changes')).toEqual([]);
});

it('single keys stay switched off, and r asks for confirmation', async () => {
  const demo = await openOnce('?vms=1&speed=full');
  const { page } = demo;
  await demo.state('running');
  await page.keyboard.press('r');
  await page.waitForSelector('#confirm-reset[open]');
  // In the meantime, the dialog handles keys.
  await page.keyboard.press('p');
  await page.keyboard.press('Escape');
  await page.waitForSelector('#confirm-reset', { state: 'detached' });
  expect(Number(await page.textContent('#steps'))).toBeGreaterThan(0);
  await demo.state('running');
  await page.click('#keys');
  await page.waitForSelector('#keys[aria-pressed=false]');
  await page.reload();
  await demo.state('running');
  await page.waitForSelector('#keys[aria-pressed=false]');
  for (const key of ['p', 's', 'r']) await page.keyboard.press(key);
  await demo.drawn();
  await demo.state('running');
  expect(await page.$('#confirm-reset')).toBeNull();
  await page.click('#keys');
  await page.waitForSelector('#keys[aria-pressed=true]');
  await page.keyboard.press('p');
  await demo.state('paused');
  await page.keyboard.press('r');
  await page.waitForSelector('#confirm-reset[open]');
  await page.keyboard.press('Enter');
  await demo.state('running');
});

it('a wrong line of a link is in the field, to be corrected', async () => {
  const demo = await openOnce('?vms=1&run=no&lines=sync%0Atlb&lines=sync');
  const { page } = demo;
  await demo.state('paused');
  expect(await page.inputValue('#lines')).toBe('sync\ntlb');
  expect((await page.textContent('#note'))?.trim().split('\n')).toEqual([
    expect.stringMatching(/^lines: line 2: "tlb" is none of /),
    'lines=sync: there are some already; ignored.',
  ]);
  await page.fill('#lines', 'sync');
  await page.click('#run-lines');
  await page.waitForFunction(() => new URLSearchParams(location.search).get('lines') === 'sync');
});
