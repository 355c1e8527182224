// SPDX-License-Identifier: MIT
// Lines of "Edit and run" on the toy: its driver and its device execute them.

import { describe, expect, it } from 'vitest';
import { firstLines } from '../../demo/edit/first-lines.ts';
import { LINE_FORMS, parseLines } from '../../demo/edit/parse-lines.ts';
import { stepText } from '../../demo/page/step-text.ts';
import { runSession } from './recorded-session.ts';

/** The console output of lines after the bring-up, and the sanitizer's findings. */
async function run(text: string, more: Readonly<Record<string, string>> = {}) {
  expect(parseLines(text).problems).toEqual([]);
  const query = new URLSearchParams({ lines: text, ...more });
  const { consoles, picture } = await runSession(query.toString(), 100);
  expect(picture.state).toBe('ended');
  const [console = ''] = consoles;
  const lines = console.slice(console.indexOf('[ 8]')).split('\n');
  return {
    lines: lines.map((line) => line.trim()),
    findings: picture.suspects.filter(({ state }) => state === 'found').map((one) => one.text),
    changes: picture.changes,
  };
}

const REUSED = firstLines('none');
const without = (text: string, part: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('#') || !line.includes(part))
    .join('\n');

describe('lines on the toy', () => {
  it('with the TLBI reach the new page, and nothing is missing', async () => {
    const { lines, findings } = await run(REUSED);
    expect(findings).toEqual([]);
    expect(lines).toEqual(
      expect.arrayContaining([
        '[ 8] map 0x1000 page 0',
        'the device has read page 0',
        'TLBI_NH_VA on the VCMDQ, 0 exits',
        'CMD_SYNC on the VCMDQ has completed, 0 exits',
        'the device has read page 1',
      ]),
    );
  });

  it('without it reach the old page, and the sanitizer names the line', async () => {
    const { lines, findings } = await run(without(REUSED, 'tlbi'));
    expect(findings).toEqual([expect.stringContaining('missing: TLBI_NH_VA')]);
    expect(lines.filter((line) => line === 'the device has read page 0')).toHaveLength(2);
    expect(lines).not.toContain('the device has read page 1');
  });

  it.each([
    ['forget-tlbi', 'TLBI_NH_VA'],
    ['forget-cfgi-cd', 'CFGI_CD'],
    ['forget-cfgi-ste', 'CFGI_STE'],
  ])('of %s are found to miss what the experiment forgets', async (experiment, command) => {
    const { findings } = await run(firstLines(experiment));
    expect(findings).toEqual([expect.stringContaining(`missing: ${command}`)]);
  });

  it('of the experiment that skips the TLBI end in a fault', async () => {
    const { lines, findings } = await run(firstLines('stale-dma'));
    expect(lines).toContain('the DMA fails at iova 0x1000, event 0x10');
    expect(findings).toEqual([]);
  });

  it('on the trapped path cause exits', async () => {
    const { lines } = await run('tlbi va 0x1000; sync', { path: 'trapped' });
    expect(lines).toContain('TLBI_NH_VA on the CMDQ, 1 exit');
    expect(lines).toContain('CMD_SYNC on the CMDQ has completed, 2 exits');
  });

  it('are described step by step, with the changes of each', async () => {
    const { changes } = await run(
      'map 0x1000 page 0; dma read 0x1000; unmap 0x1000; tlbi va 0x1000; sync; dma read 0x1000',
    );
    const told = changes.map((change) => stepText(change).join('; '));
    expect(told.slice(-7, -1)).toEqual([
      '0 exits, 2 for the console',
      expect.stringMatching(/^IOTLB: 1 page in; \d+ exits, 2 for the console$/),
      '0 exits, 2 for the console',
      'VCMDQ 0 took 1 command (TLBI_NH_VA); IOTLB: 1 page out; 0 exits, 2 for the console',
      'VCMDQ 0 took 1 command (CMD_SYNC); 0 exits, 2 for the console',
      expect.stringMatching(/^event F_TRANSLATION; \d+ exits, 2 for the console$/),
    ]);
  });

  it('of every form are executed, and wait for each queue', async () => {
    const all = LINE_FORMS.map(([form]) =>
      form.replace('IOVA', '0x1000').replace(' N', ' 1').replace(/[[\]]/g, ''),
    );
    const { lines } = await run(all.join('\n'));
    expect(lines.join()).not.toContain('no such operation');
    expect(lines.filter((line) => /^\[ ?\d+\] (?!power off)/.test(line))).toHaveLength(all.length);
    expect(lines.join()).toMatch(/CMD_SYNC on the CMDQ has completed, .*CMD_SYNC on the VCMDQ has/);
  });
});
