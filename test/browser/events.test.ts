// SPDX-License-Identifier: MIT
// One event at a time: forward, back, by the slider, by keys, slowly; and what the panels show at an event.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { DemoPage, Handle } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open, openOnce } = useDemo();

/** What the page shows of its current event. */
interface Shown {
  readonly kind: string;
  readonly number: number;
  readonly text: string;
  readonly registers: Readonly<Record<string, string>>;
}

function shownBy(page: Page): Promise<Shown> {
  return page.evaluate(() => {
    const event = document.querySelector<HTMLElement>('.event');
    const registers = [...document.querySelectorAll<HTMLElement>('[data-register]')];
    return {
      kind: event?.dataset.event ?? '',
      number: Number(event?.dataset.number ?? -1),
      text: event?.textContent ?? '',
      registers: Object.fromEntries(
        registers.map((one) => [one.dataset.register ?? '', one.textContent ?? '']),
      ),
    };
  });
}

/** Presses a button until another event is shown: a press while machines are in the making does nothing. */
async function go(demo: DemoPage, button: string): Promise<Shown> {
  const { number } = await shownBy(demo.page);
  const changed = (timeout: number) =>
    demo.page
      .waitForFunction(
        (before) =>
          Number(document.querySelector<HTMLElement>('.event')?.dataset.number ?? -1) !== before,
        number,
        { timeout },
      )
      .then(
        () => true,
        () => false,
      );
  for (let press = 0; press < 6; press++) {
    await demo.page.click(button);
    if (!(await changed(10_000))) continue;
    await demo.drawn();
    return shownBy(demo.page);
  }
  throw new Error(`${button} leads to no other event than ${number}`);
}

/** What an event has that is gone to: its kind, and what its text or its number says. */
interface Wanted {
  readonly kind?: string;
  readonly text?: string;
  readonly number?: number;
}

/** Frames of the page after which a press is made again: it does nothing while machines are in the making. */
const PATIENCE = 600;

/**
 * Goes to the next event that is wanted, forward by default. The page itself presses the button:
 * a click of the mouse for each event, as `go` has it, takes many times as long.
 */
async function until(demo: DemoPage, wanted: Wanted, button = '#event-forward'): Promise<Shown> {
  await demo.page.evaluate(
    async ([to, selector, patience]) => {
      const { vsmmu } = globalThis as unknown as { vsmmu: Handle };
      const shown = () => document.querySelector<HTMLElement>('.event');
      const press = () => document.querySelector<HTMLElement>(selector)?.click();
      for (let event = 0; event < 400; event++) {
        const before = shown()?.dataset.number;
        press();
        for (let frames = 1; shown()?.dataset.number === before; frames++) {
          if (frames > 6 * patience) throw new Error(`${selector} leads nowhere from ${before}`);
          if (frames % patience === 0) press();
          await new Promise((next) => requestAnimationFrame(next));
        }
        await vsmmu.drawn();
        const now = shown();
        const isWanted =
          (to.kind === undefined || now?.dataset.event === to.kind) &&
          (to.text === undefined || now?.textContent?.includes(to.text)) &&
          (to.number === undefined || now?.dataset.number === String(to.number));
        if (isWanted) return;
      }
      throw new Error(`no event is ${JSON.stringify(to)}`);
    },
    [wanted, button, PATIENCE] as const,
  );
  return shownBy(demo.page);
}

const entryStates = (page: Page) =>
  page.$$eval('.queue ol > li', (all) => all.map(({ className }) => className.trim()));
const tlbEntries = (page: Page) =>
  page.$$eval('.tlb li > b', (all) => all.reduce((sum, one) => sum + Number(one.textContent), 0));
const records = (page: Page) => page.$$eval('.events li:not(.none)', ({ length }) => length);

/** Waits until the first console shows a text, and nothing else. */
const consoleIs = (demo: DemoPage, wanted: string) =>
  demo.page.waitForFunction(
    (text) =>
      (globalThis as unknown as { vsmmu: Handle }).vsmmu.console(0).trimEnd() === text.trimEnd(),
    wanted,
  );

/** Bytes that the first machine had written by the event that is shown. */
const writtenAt = (page: Page) =>
  page.evaluate(
    () => (globalThis as unknown as { vsmmu: Handle }).vsmmu.frame?.picture.vms[0]?.written ?? -1,
  );

/** So many bytes of a console, each end of a line one of them. */
const writtenBy = (whole: string, bytes: number) => whole.replace(/\n+$/, '').slice(0, bytes);

describe('one event at a time', () => {
  it('is a click away, and begins paused before anything has happened', async () => {
    const demo = await open('?vms=1&run=no');
    const { page } = demo;
    await demo.state('paused');
    await page.click('#look-closer');
    await page.waitForSelector('#event-forward');
    expect(new URL(page.url()).searchParams.get('events')).toBe('yes');
    await demo.state('paused');
    expect(await page.textContent('#steps')).toBe('0');
    await page.click('#look-away');
    await page.waitForSelector('#look-closer');
    expect(new URL(page.url()).searchParams.get('events')).toBeNull();
  });

  it('of Skip the TLBI: stale hit, pending TLBI and fault are three pictures', async () => {
    const demo = await openOnce('?experiment=stale-dma&vms=1&events=yes');
    const { page } = demo;
    await page.waitForSelector('#event-forward');
    const states = new Set<string>();
    const note = async () => {
      for (const state of await entryStates(page)) states.add(state);
    };
    await page.selectOption('#event-filter', 'turning points');
    const hit = await until(demo, { kind: 'suspect' });
    await page.selectOption('#event-filter', 'without exits');
    expect(hit.text).toContain('In use although stale: vm0: stale IOTLB entry');
    const atHit = await page.textContent('#machines');
    expect([await tlbEntries(page), await records(page)]).toEqual([6, 0]);
    await demo.shot('event-stale-hit');
    await until(demo, { kind: 'entry', text: 'TLBI_NH_VA' });
    await note();
    const pending = await until(demo, { kind: 'prod' });
    await note();
    expect(pending.registers).toMatchObject({ PROD: '4', CONS: '2' });
    expect(await page.textContent('.queue[data-marked] li.next')).toContain('TLBI_NH_VA');
    expect(await tlbEntries(page)).toBe(6);
    await demo.shot('event-pending-tlbi');
    await until(demo, { kind: 'tlb-out' });
    expect(await tlbEntries(page)).toBe(5);
    const fault = await until(demo, { kind: 'record' });
    expect(fault.text).toContain('F_TRANSLATION');
    await note();
    expect(await records(page)).toBe(1);
    await demo.shot('event-fault');
    for (const state of ['next', 'pending', 'written', 'done'])
      expect([...states]).toContain(state);
    // And back: what was shown is shown again.
    expect(fault.number).toBeGreaterThan(hit.number);
    expect(await until(demo, { number: hit.number }, '#event-back')).toEqual(hit);
    expect(await page.textContent('#machines')).toBe(atHit);
    expect([await tlbEntries(page), await records(page)]).toEqual([6, 0]);
  });

  it('has the console as of the event, and as it is at the last one', async () => {
    const demo = await openOnce('?experiment=stale-dma&vms=1&events=yes');
    const { page } = demo;
    const begun = await shownBy(page);
    const last = Number(await page.getAttribute('#event-range', 'max'));
    const at = async (number: number) => {
      await page.fill('#event-range', String(number));
      await page.waitForFunction(
        (wanted) =>
          document.querySelector<HTMLElement>('.event')?.dataset.number === String(wanted),
        number,
      );
      await demo.drawn();
    };
    await at(last);
    await demo.console(0, 'machine 0');
    const whole = (await demo.consoleText(0)).trimEnd();
    expect(await page.textContent('#console-tabs h2')).toBe('Console');
    await at(0);
    await consoleIs(demo, '[ 1] find memory and devices');
    expect(await page.textContent('#console-tabs h2')).toBe('Console as of event 0');
    // As far as it had come, at each event; what was shown going back is shown going forward.
    const texts: string[] = [];
    const places = [0.8, 0.6, 0.4, 0.2].map((part) => Math.floor(last * part));
    for (const place of places) {
      await at(place);
      await consoleIs(demo, writtenBy(whole, await writtenAt(page)));
      texts.push((await demo.consoleText(0)).trimEnd());
    }
    expect(new Set(texts).size).toBeGreaterThan(2);
    for (const [i, place] of [...places.entries()].reverse()) {
      await at(place);
      await consoleIs(demo, texts[i] ?? '');
    }
    await demo.shot('event-console');
    await at(last);
    await consoleIs(demo, whole);
    await at(begun.number);
  });

  it('has a range, keys, and plays slowly', async () => {
    const demo = await openOnce('?experiment=stale-dma&vms=1&events=yes');
    const { page } = demo;
    const start = await shownBy(page);
    expect(start.number).toBeGreaterThan(10);
    const number = () => shownBy(page).then((shown) => shown.number);
    const changed = (before: number) =>
      page.waitForFunction(
        (one) => Number(document.querySelector<HTMLElement>('.event')?.dataset.number) !== one,
        before,
      );
    await page.focus('#event-back');
    await page.keyboard.press('ArrowRight');
    await changed(start.number);
    expect(await number()).toBeGreaterThan(start.number);
    const right = await number();
    await page.keyboard.press('ArrowLeft');
    await changed(right);
    expect(await number()).toBe(start.number);
    await page.fill('#event-range', '7');
    await changed(start.number);
    expect(await number()).toBe(7);
    await page.focus('#event-range');
    await page.keyboard.press('ArrowRight');
    await changed(7);
    expect(await number()).toBe(8);
    // Exits are among the events when they are wanted.
    await page.selectOption('#event-filter', 'every event');
    const next = await go(demo, '#event-forward');
    expect(next.number).toBe(9);
    expect(await page.textContent('#event-number')).toContain('9 of');
    await page.click('#event-play');
    await changed(9);
    expect(await page.getAttribute('#event-play', 'aria-pressed')).toBe('true');
    await page.click('#event-play');
    await page.waitForSelector('#event-play[aria-pressed=false]');
    expect(await page.getAttribute('.event', 'aria-live')).toBe('polite');
    await page.selectOption('#event-filter', 'without exits');
  });

  it('of Illegal command: CERROR_ILL with GERROR unlike GERRORN', async () => {
    const demo = await openOnce('?experiment=illegal-command&vms=1&events=yes');
    const { page } = demo;
    await page.waitForSelector('#event-forward');
    await page.selectOption('#event-filter', 'turning points');
    const refused = await until(demo, { kind: 'error' });
    expect(refused.registers).toMatchObject({ 'CONS.ERR': '0', GERROR: '0x0', GERRORN: '0x0' });
    const error = await until(demo, { kind: 'error' });
    expect(error.registers).toMatchObject({
      'CONS.ERR': 'CERROR_ILL',
      GERROR: '0x1',
      GERRORN: '0x0',
      STATUS: '0x1',
    });
    expect(await page.textContent('.queue[data-marked]')).toContain('CERROR_ILL');
    await demo.shot('event-cerror-ill');
    const done = await until(demo, { kind: 'acknowledge' });
    expect(done.registers).toMatchObject({ GERROR: '0x1', GERRORN: '0x1' });
  });

  it('continues with Run, and shows the newest event after it', async () => {
    const demo = await openOnce('?experiment=illegal-command&vms=1&events=yes');
    const { page } = demo;
    await page.click('#run');
    await page.waitForSelector('[data-outcome=holds]');
    await demo.state('ended');
    await page.waitForFunction(() => {
      const range = document.querySelector<HTMLInputElement>('#event-range');
      return range !== null && Number(range.max) > 100 && range.value === range.max;
    });
    const last = await shownBy(page);
    const before = await go(demo, '#event-back');
    expect(before.number).toBeLessThan(last.number);
  });

  it('has charts, steps and the drawing as of the event', async () => {
    const demo = await openOnce('?vms=1&events=yes&speed=slow');
    const { page } = demo;
    const legend = () => page.textContent('.chart .legend');
    const steps = async () => Number(await page.textContent('#steps'));
    const last = async () => Number(await page.getAttribute('#event-range', 'max'));
    const at = async (number: number) => {
      await page.fill('#event-range', String(number));
      await page.waitForSelector(`.event[data-number="${number}"]`);
      await demo.drawn();
    };
    await page.click('#run');
    await page.waitForFunction(() =>
      /\d/.test(document.querySelector('.chart .legend')?.textContent ?? ''),
    );
    // Events behind that point of the chart.
    const point = await steps();
    await page.waitForFunction(
      (wanted) => Number(document.querySelector('#steps')?.textContent) > wanted,
      point + 2,
    );
    await page.click('#run');
    await page.waitForSelector('.event[data-number]');
    await demo.drawn();
    const now = [await legend(), await steps()];
    const end = await last();
    await at(end - 1);
    expect(await legend()).toMatch(/\d/);
    await at(0);
    expect([await legend(), await steps()]).toEqual([' exits \u2013', 0]);
    await at(end);
    expect([await legend(), await steps()]).toEqual(now);
    // An event of a queue is on the path of that queue in the drawing, and nothing else moves.
    await page.selectOption('#event-filter', 'every event');
    const moving = () =>
      page.$$eval('.way.moving', (all) => all.map((one) => one.getAttribute('data-way')));
    for (let back = 0; back < 20; back++) {
      const { kind } = await go(demo, '#event-back');
      const path = await page.$$eval('.queue[data-marked]', ([one]) =>
        ['direct', 'trapped', 'overlay'].filter((name) => one?.classList.contains(name)),
      );
      const isOnTheWay = ['entry', 'prod', 'doorbell', 'fetch', 'cons', 'host'].includes(kind);
      expect(await moving()).toEqual(isOnTheWay ? path : []);
    }
  });
});
