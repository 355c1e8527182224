// vsmmu decode. What it decodes is tested in test/devices/decode.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { vsmmu } from '../support/vsmmu-command.ts';

const PAGE = readFileSync(new URL('../../docs/decode.md', import.meta.url), 'utf8');
const ZERO = '0'.repeat(16);

/** Commands of the page and what they print, as it shows them. */
function examples(): [string, string][] {
  const blocks = [...PAGE.matchAll(/```console\n(.*?)```/gs)].map(([, block]) => block ?? '');
  return blocks.flatMap((block) =>
    block
      .split('$ npx vsmmu ')
      .slice(1)
      .map((shown): [string, string] => {
        const end = shown.indexOf('\n');
        return [shown.slice(0, end), shown.slice(end + 1)];
      }),
  );
}

describe('docs/decode.md', () => {
  it('has examples', () => {
    expect(examples().length).toBeGreaterThanOrEqual(5);
  });

  it.each(examples())('vsmmu %s', async (command, output) => {
    expect(await vsmmu(...command.split(' '))).toMatchObject({
      status: 0,
      stdout: output,
      stderr: '',
    });
  });
});

describe('vsmmu decode', () => {
  it('--json prints one object with every field, ignored ones too', async () => {
    const { status, stdout } = await vsmmu(
      'decode',
      'ste',
      ...Array.from({ length: 8 }, () => ZERO),
      '--json',
    );
    const decoded = JSON.parse(stdout) as {
      name: string;
      fields: { name: string; value: string; ignored: boolean }[];
    };
    expect([status, decoded.name]).toEqual([0, 'STE']);
    expect(decoded.fields.find(({ name }) => name === 'S2TTB')).toMatchObject({
      value: '0x0',
      ignored: true,
    });
  });

  it('says what is wrong with its words in one line and ends with 2', async () => {
    const cases: [RegExp, ...string[]][] = [
      [/missing required argument 'kind'/],
      [/missing required argument 'hex'/, 'cmd'],
      [/'smmu' is none of ste, cd, cmd, event, pte/, 'smmu', ZERO],
      [/cmd is 2 doublewords of 16 hexadecimal digits, not 1$/m, 'cmd', ZERO],
      [
        /event is 4 doublewords of 16 hexadecimal digits, not 5$/m,
        'event',
        ZERO,
        ZERO,
        ZERO,
        ZERO,
        ZERO,
      ],
      [/vsmmu: 12 is not 16 hexadecimal digits/, 'cmd', '12', ZERO],
      [/000000000000000g is not 16 hexadecimal digits/, 'cmd', ZERO, '000000000000000g'],
      [/0x00000000000000 is not 16/, 'pte', '0x00000000000000'],
      [/Allowed choices are 4k, 16k, 64k/, 'pte', ZERO, '--granule', '8k'],
      [/level -1 takes --ds/, 'pte', ZERO, '--level', '-1'],
      [/level -1 takes --ds/, 'pte', ZERO, '--level', '-1', '--ds', '--granule', '16k'],
      [/Allowed choices are -1, 0, 1, 2, 3/, 'pte', ZERO, '--level', '4'],
      [/Allowed choices are 1, 2/, 'pte', ZERO, '--stage', '3'],
    ];
    for (const [message, ...args] of cases) {
      const { status, stdout, stderr } = await vsmmu('decode', ...args);
      expect([status, stdout, stderr.split('\n').length], args.join(' ')).toEqual([2, '', 2]);
      expect(stderr).toMatch(message);
    }
  });
});
