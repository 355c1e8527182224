// SPDX-License-Identifier: MIT
// vsmmu decode. test/devices/decode tests the decoders.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';
import { type Outcome, vsmmu } from '../support/vsmmu-command.ts';

const PAGE = readFileSync(new URL('../../docs/decode.md', import.meta.url), 'utf8');
const ZERO = '0'.repeat(16);

/** Commands of the page, and their output as shown there. */
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

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The command with a standard input. */
function piped(input: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, 'decode', ...args]);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    // It may end before it has read everything.
    child.stdin.on('error', () => undefined).end(input);
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, ...output }));
  });
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

  it('reports wrong words in one line and ends with 2', async () => {
    const cases: [RegExp, ...string[]][] = [
      [/missing required argument 'kind'/],
      [/there is no kind "smmu"; there are ste, cd, cmd, event, pte, log$/m, 'smmu', ZERO],
      [/there is no kind "evnt": did you mean "event"\?$/m, 'evnt', ZERO],
      [
        /cmd: it is 2 doublewords, not 1; give 2 doublewords in hexadecimal, the lowest first, or 4 words of 32 bits, such as: vsmmu decode cmd 0x0005000300000012 0x12345001$/m,
        'command',
        ZERO,
      ],
      [/cmd: "TLBI_NH_VA" is not 1 to 16 hexadecimal digits; give 2 d/, 'cmd', 'TLBI_NH_VA', '5'],
      [/pte: it is 1 doublewords?, not 2; give 1 doubleword in hex/, 'pte', ZERO, ZERO],
      [
        /cmd: .*; lines of a log are for vsmmu decode log$/m,
        'command',
        'arm-smmu-v3 a.smmu: skipping command in error state:',
      ],
      [
        /event: it is 4 doublewords, not 5; give 4 doublewords in/,
        'event',
        ZERO,
        ZERO,
        ZERO,
        ZERO,
        ZERO,
      ],
      [/cmd: "12.5" is not 1 to 16 hexadecimal digits/, 'cmd', '12.5', ZERO],
      [/cannot read nothing.log: no such file/, 'log', 'nothing.log'],
      [/no line of an SMMU/, 'log', join(PROJECT, 'LICENSE')],
      [/"000000000000000g" is not 1 to 16 hexadecimal digits/, 'cmd', ZERO, '000000000000000g'],
      [/pte: "0x" is not 1 to 16/, 'pte', '0x'],
      [/it must be one of 4k, 16k, 64k/, 'pte', ZERO, '--granule', '8k'],
      [/level -1 needs --ds/, 'pte', ZERO, '--level', '-1'],
      [/level -1 needs --ds/, 'pte', ZERO, '--level', '-1', '--ds', '--granule', '16k'],
      [/it must be one of -1, 0, 1, 2, 3/, 'pte', ZERO, '--level', '4'],
      [/--level is for a pte, not for cmd$/m, 'cmd', ZERO, ZERO, '--level', '3'],
      [/--ds is for a pte, not for log$/m, 'log', '--ds'],
      [/it must be one of 1, 2/, 'pte', ZERO, '--stage', '3'],
    ];
    for (const [message, ...args] of cases) {
      const { status, stdout, stderr } = await vsmmu('decode', ...args);
      expect([status, stdout, stderr.split('\n').length], args.join(' ')).toEqual([2, '', 2]);
      expect(stderr).toMatch(message);
    }
  });

  it('accepts its own example of each kind, and longer names', async () => {
    for (const [kind, name] of [
      ['ste', 'STE'],
      ['cd', 'CD'],
      ['command', 'TLBI_NH_VA'],
      ['evt', 'F_TRANSLATION'],
      ['descriptor', 'page descriptor'],
    ] as const) {
      const { stderr } = await vsmmu('decode', kind, 'none');
      const [, example = ''] = /such as: vsmmu decode (.*)$/m.exec(stderr) ?? [];
      const { status, stdout } = await vsmmu('decode', ...example.split(' '));
      expect([status, stdout.split(':')[0]]).toEqual([0, name]);
    }
  });

  it('reads standard input: words, or a log', async () => {
    const words = await piped('0x0005000300000012,\n0x12345001\n', 'cmd', '-');
    expect(words).toEqual(await vsmmu('decode', 'cmd', '0005000300000012', '0000000012345001'));
    const lines = `${PAGE.split('```text\n')[1]?.split('```')[0]}`;
    for (const file of [[], ['-'], ['/dev/stdin']]) {
      const log = await piped(lines, 'log', '--json', ...file);
      const [first] = log.stdout.trim().split('\n');
      expect([log.status, JSON.parse(first ?? '')]).toMatchObject([
        0,
        { line: 5, device: 'arm-smmu-v3.0.auto', decoded: { name: 'F_TRANSLATION' } },
      ]);
    }
    const { status, stderr } = await piped('1 '.repeat(10_000), 'cmd');
    expect([status, stderr]).toEqual([
      2,
      'vsmmu: standard input is longer than the words of a structure: try log\n',
    ]);
  });
});
