// What a machine is made of: settings, the URL, guests from files.

import { describe, expect, it } from 'vitest';
import { reactor } from '../support/wat.ts';
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

  it('take a guest from a file, and say in one line what is wrong with one', async () => {
    const demo = await open('?run=no');
    const { page } = demo;
    await demo.state('paused');
    const pick = (name: string, bytes: Uint8Array) =>
      page.setInputFiles('#guest-file', { name, mimeType: 'application/wasm', buffer: Buffer.from(bytes) });
    await pick('broken.wasm', new TextEncoder().encode('not a binary'));
    await demo.state('stopped');
    expect(await page.textContent('#note')).toMatch(/^not a WebAssembly binary/);
    await pick('mine.wasm', reactor('(func $run (param i32) (result i32) (i32.const 2))'));
    await demo.state('paused');
    expect(await page.textContent('#note')).toBe('');
    expect(await page.inputValue('select[name=guest]')).toBe('mine.wasm');
    await page.click('#run');
    await demo.state('ended');
  });
});
