// SPDX-License-Identifier: MIT
// Custom guests: files that are picked or dropped.

import { describe, expect, it } from 'vitest';
import { command, IMPORT_MEMORY, leb, name, section, vector } from '../support/wasm-bytes.ts';
import { assemble, reactor } from '../support/wat.ts';
import type { DemoPage } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open, openOnce } = useDemo();

/** Ends at once. */
const QUIET = reactor('(func $run (param i32) (result i32) (i32.const 2))');

/** 10,000,000 entries. */
const LARGE_TABLE = [0x70, 0x01, ...leb(10_000_000), ...leb(10_000_000)];

const BAD: readonly (readonly [what: string, bytes: Uint8Array<ArrayBuffer>, line: RegExp])[] = [
  ['no WebAssembly', new TextEncoder().encode('not a binary'), /^not a WebAssembly binary/],
  ['an empty file', new Uint8Array(), /^./],
  ['half of a guest', QUIET.slice(0, QUIET.length / 2), /^./],
  ['a program that is no guest', assemble('(module (func (export "main")))'), /^./],
  [
    'a guest that asks for what nobody has',
    reactor(
      '(func $run (param i32) (result i32) (i32.const 2))',
      '(import "elsewhere" "thing" (func $thing))',
    ),
    /elsewhere/,
  ],
  [
    'a guest that traps while it initializes itself',
    reactor('(func $init unreachable) (func $run (param i32) (result i32) (i32.const 2))'),
    /unreachable/,
  ],
  [
    'a guest that never has initialized itself',
    // Asleep, so that it does not occupy a core that other tests need.
    reactor(
      `(func $init (loop $for_ever
        (drop (memory.atomic.wait32 (i32.const 0x110000) (i32.const 0) (i64.const -1)))
        (br $for_ever)))
       (func $run (param i32) (result i32) (i32.const 2))`,
    ),
    /^it has not booted within 10 s$/,
  ],
  // A browser has no second process to protect it: what these guests would do to the
  // page, they would do to all of it.
  [
    'a guest that imports a memory for the prototype of objects',
    command({
      imports: [IMPORT_MEMORY, [...name('__proto__'), ...name('get'), 0x02, 0x03, 0x20, 0x20]],
    }),
    /^the guest imports a second memory, __proto__\.get/,
  ],
  [
    'a guest of 60 large tables',
    command({ before: [section(4, vector(...new Array<number[]>(60).fill(LARGE_TABLE)))] }),
    /^./,
  ],
  ['a guest with its own memory', command({ before: [section(5, vector([0x00, 0x01]))] }), /^./],
  ['a guest of objects', command({ types: [[0x5f, 0x01, 0x7f, 0x01]] }), /allowGc/],
  [
    'a guest of 64 bit addresses',
    command({ imports: [[...name('env'), ...name('memory'), 0x02, 0x07, 0x20, 0x20]] }),
    /64/,
  ],
];

/** As if the file had been dragged from a folder. */
async function drop({ page }: DemoPage, name: string, bytes: Uint8Array): Promise<boolean[]> {
  return await page.evaluate(
    ([file, content]) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(
        new File([Uint8Array.from(content)], file, { type: 'application/wasm' }),
      );
      return ['dragover', 'drop'].map((type) => {
        document
          .querySelector('.machines')
          ?.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
        return document.documentElement.hasAttribute('data-drop');
      });
    },
    [name, [...bytes]] as const,
  );
}

describe('a guest from a file', () => {
  it('that is picked runs in the place of the toy, and the toy can have it back', async () => {
    const demo = await open('?run=no');
    const { page } = demo;
    await demo.state('paused');
    await demo.pick('mine.wasm', QUIET);
    await page.waitForFunction(() => document.querySelectorAll('[data-vm]').length === 1);
    await demo.state('paused');
    expect(await page.textContent('#note')).toBe('');
    expect(await page.inputValue('select[name=guest]')).toBe('mine.wasm');
    await page.click('#run');
    await demo.state('ended');
    await page.click('#reset');
    await demo.state('paused');
    expect(await page.inputValue('select[name=guest]')).toBe('mine.wasm');
    await page.selectOption('select[name=guest]', 'toy');
    await page.waitForFunction(() => document.querySelectorAll('[data-vm]').length === 2);
    await page.click('#run');
    await demo.console(0, 'UART up');
  });

  it.each(BAD)('that is %s costs one line, and nothing that runs', async (what, bytes, line) => {
    // All on one page, whose machines survive each of them.
    const demo = await openOnce('?vms=1');
    const { page } = demo;
    await demo.traced(3);
    const before = {
      console: (await demo.consoleText(0)).slice(0, 1000),
      steps: Number(await page.textContent('#steps')),
    };
    // Not so long that the line cuts it.
    const file = `${what.replaceAll(' ', '-').slice(-24)}.wasm`;
    await drop(demo, file, bytes);
    await page.waitForSelector(`#note.bad:has-text("${file}: ")`);
    const note = (await page.textContent('#note')) ?? '';
    expect(note.startsWith(`${file}: `)).toBe(true);
    expect(note.slice(file.length + 2)).toMatch(line);
    expect(note).not.toContain('\n');
    expect(note.length).toBeLessThan(200);
    await demo.state('running');
    expect(await page.inputValue('select[name=guest]')).toBe('toy');
    expect(await demo.consoleText(0)).toContain(before.console);
    await page.waitForFunction(
      (steps) => Number(document.querySelector('#steps')?.textContent) > steps,
      before.steps + 10,
    );
    expect(new URL(page.url()).search).toBe('?vms=1');
  });

  it('that is dropped after all of these runs; the page shows that it accepts it', async () => {
    const demo = await openOnce('?vms=1');
    expect(await demo.page.evaluate(() => Object.hasOwn(Object.prototype, 'get'))).toBe(false);
    expect(await drop(demo, 'next.wasm', QUIET)).toEqual([true, false]);
    await demo.state('ended');
    expect(await demo.page.inputValue('select[name=guest]')).toBe('next.wasm');
  });

  it('that does not return is reported as such, and can be replaced by another', async () => {
    const demo = await openOnce('?vms=1');
    const { page } = demo;
    await page.selectOption('select[name=guest]', 'toy');
    await demo.choose({ transport: 'inline' });
    await demo.state('running');
    await demo.pick(
      'stuck.wasm',
      reactor('(func $run (param i32) (result i32) (loop $for_ever (br $for_ever)) (i32.const 2))'),
    );
    await page.waitForSelector('#note.bad:has-text("does not come back")');
    await page.selectOption('select[name=guest]', 'toy');
    await demo.console(0, 'UART up');
    await page.waitForFunction(() => document.querySelector('#note')?.textContent === '');
  });
});
