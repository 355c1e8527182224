// SPDX-License-Identifier: MIT
// Lines from a link: where wrong ones are shown, and the results of valid ones.

import { describe, expect, it } from 'vitest';
import { readSettings, settingProblems, wrongLines } from '../../demo/demo-settings.ts';
import { EditedLines } from '../../demo/edit/edited-lines.ts';
import { verdictOf } from '../../demo/page/lines-verdict.ts';
import type { Picture } from '../../demo/protocol.ts';
import { runSession } from './recorded-session.ts';

const query = (text: string) => new URLSearchParams(text);

describe('lines of a link', () => {
  it('that are wrong are in the editor, which is open, until something else runs', () => {
    const link = query('lines=sync%0Ajump&vms=1');
    const editor = new EditedLines();
    editor.follow(readSettings(query('')));
    const text = wrongLines(link);
    expect(text).toBe('sync\njump');
    const settings = readSettings(link);
    expect(settings.lines).toBe('');
    editor.correct(text ?? '', settings);
    editor.follow(settings);
    expect([editor.isOpen, editor.text]).toEqual([true, 'sync\njump']);
    editor.follow(readSettings(query('experiment=stale-dma')));
    expect([editor.isOpen, editor.text]).toEqual([false, '']);
  });

  it.each([
    ['lines=sync', []],
    ['lines=jump', [expect.stringMatching(/^lines: line 1: "jump" is none of .*\.$/)]],
    ['lines=sync&lines=tlbi+all', ['lines=tlbi all: there are some already; ignored.']],
    ['tour=2&lines=sync', ['lines=sync: stop 2 of the tour has none; ignored.']],
    ['tour=2&lines=jump', ['lines=jump: stop 2 of the tour has none; ignored.']],
  ])('%s: what is ignored is said', (text, lines) => {
    expect(settingProblems(query(text))).toEqual(lines);
    expect(wrongLines(query(text))).toBe(text === 'lines=jump' ? 'jump' : undefined);
  });

  it('of any number cost a few short messages', () => {
    const link = query('');
    link.set('lines', `${'jump\n'.repeat(300)}`);
    expect(settingProblems(link)).toHaveLength(11);
  });
});

describe('what lines have come to', () => {
  const ran = async (lines: string) =>
    (await runSession(query(`lines=${lines}`).toString(), 100)).picture;
  const changed = (picture: Picture, change: Partial<Picture>): Picture => ({
    ...picture,
    ...change,
  });

  it('is known when the last one has run, and no machine has failed', async () => {
    const picture = await ran('map 0x1000 page 0;sync');
    expect(verdictOf(picture, 'sync')?.what).toBe('clean');
    for (const state of ['running', 'paused'] as const)
      expect(verdictOf(changed(picture, { state }), 'sync')).toBeUndefined();
    const vms = picture.vms.map((vm) => ({ ...vm, reason: 'it trapped' }));
    expect(verdictOf(changed(picture, { vms }), 'sync')).toEqual({
      what: 'failed',
      text: 'Not all lines have run: it trapped.',
    });
    const without = picture.checks.filter(({ name }) => name !== 'program');
    expect(verdictOf(changed(picture, { checks: without }), 'sync')?.what).toBe('failed');
    const checks = picture.checks.map((check) =>
      check.name === 'tables' ? { ...check, ok: false, detail: 'no memory' } : check,
    );
    expect(verdictOf(changed(picture, { checks }), 'sync')?.text).toBe(
      'Not all lines have run: tables: no memory.',
    );
  });

  it.each([
    ['map 0x1000 page 0;dma read 0x1000;unmap 0x1000', 'No TLBI follows the last unmap'],
    ['map 0x1000 page 0;unmap 0x1000;tlbi va 0x1000', 'No sync follows the last TLBI'],
    ['map 0x1000 page 0\nUNMAP 0x1000 # tlbi va; sync', 'No TLBI follows the last unmap'],
    ['map 0x1000 page 0;unmap 0x1000;TLBI va 0x1000;Sync', 'no stale entry. Delete a line'],
    ['map 0x1000 page 0;unmap 0x1000;tlbi va 0x1000;sync', 'no stale entry. Delete a line'],
    [
      'map 0x1000 page 0;dma read 0x1000;unmap 0x1000;dma read 0x1000;tlbi va 0x1000;sync',
      'each stale entry that the device used was invalidated after it. Delete a line',
    ],
  ])('names what no device has noticed (%s)', async (lines, text) => {
    const verdict = verdictOf(await ran(lines), lines);
    expect(verdict?.what).toBe('clean');
    expect(verdict?.text).toContain(text);
  });

  it('is what the sanitizer has found', async () => {
    const picture = await ran(
      'map 0x1000 page 0;dma read 0x1000;unmap 0x1000;sync;dma read 0x1000',
    );
    expect(verdictOf(picture, 'sync')?.what).toBe('found');
  });
});
