// SPDX-License-Identifier: MIT
// Arm64 kernels in the tab: small images, and how the page handles files.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

const STORED = new URL('../arm64/system/stored/', import.meta.url);
const ELF = gunzipSync(readFileSync(new URL('exceptions.elf.gz', STORED)));

describe('an arm64 kernel from a file', () => {
  it('runs instead of the toy, on its own kind of vCPUs, and prints what it printed on QEMU', async () => {
    const demo = await open('?run=no&vms=1');
    const { page } = demo;
    await demo.state('paused');
    await demo.pick('exceptions.elf', ELF);
    await page.waitForFunction(
      () => document.querySelector<HTMLSelectElement>('select[name=guest]')?.value !== 'toy',
    );
    await demo.state('paused');
    await page.click('#run');
    await demo.state('ended');
    expect(await page.textContent('#note')).toBe('');
    expect(await page.inputValue('select[name=guest]')).toBe('exceptions.elf');
    const lines = (text: string) => text.split('\n').map((line) => line.trimEnd());
    const [first = ''] = lines(readFileSync(new URL('exceptions.log', STORED), 'utf8'));
    expect(lines(await demo.consoleText(0))[0]).toBe(first);
  });

  it('needs only its initial RAM disk', async () => {
    const demo = await open('?run=no&vms=1');
    const { page } = demo;
    await demo.state('paused');
    const file = (name: string, buffer: Buffer) => ({ name, mimeType: '', buffer });
    const cpio = file('disk.img', Buffer.from('070701'));
    const refused = 'give one guest, or an arm64 kernel and its initial RAM disk';
    for (const [files, line] of [
      [[cpio], 'disk.img: an initial RAM disk needs its kernel: give both'],
      [[file('a.elf', ELF), file('b.elf', ELF)], `a.elf, b.elf: ${refused}`],
      [[file('text', Buffer.from('text')), cpio], `text, disk.img: ${refused}`],
    ] as const) {
      await page.setInputFiles('#guest-file', [...files]);
      await page.waitForSelector(`#note.bad:has-text("${line}")`);
      expect(await page.textContent('#note')).toBe(line);
      await demo.state('paused');
    }
    expect(await page.inputValue('select[name=guest]')).toBe('toy');
  });
});
