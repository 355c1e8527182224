// SPDX-License-Identifier: MIT
// Why a file cannot be used is told in words, the same for all commands.

import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReason } from '../../cli/cli-error.ts';
import { fileReason } from '../../vmm/api/regular-file.ts';
import { vsmmu } from '../support/vsmmu-command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-reasons-'));
  await writeFile(join(folder, 'file'), 'x');
  await symlink('loop', join(folder, 'loop'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Commands that take a file: X is replaced by its path. */
const COMMANDS = [
  ['cannot read', 'boot X'],
  ['cannot read', 'boot --config X'],
  ['cannot read', 'boot file --arch arm64 --initrd X'],
  ['cannot read', 'boot linux --kernel X --initrd X'],
  ['cannot read', 'boot linux --kernel file --initrd file --disk X'],
  ['cannot write', 'boot linux --kernel file --initrd file --disk X,rw'],
  ['cannot load device', 'boot toy --device X'],
  ['cannot write', 'boot toy --trace X'],
  ['cannot read', 'trace summary X'],
  ['cannot read', 'inspect X.json'],
  ['cannot read', 'decode log X'],
  ['cannot read', 'bench linux --kernel X --initrd X'],
  ['cannot write to', 'guest init X'],
] as const;

const NAMES = [
  ['loop', /too many symbolic links|it is not a folder/],
  ['file/x', /part of its path is not a directory|it is not a folder/],
  ['a'.repeat(300), /its name is too long/],
] as const;

const wordsOf = (command: string, name: string) =>
  command
    .split(' ')
    .map((word) => word.replace('X', join(folder, name)))
    .map((word) => (word === 'file' ? join(folder, word) : word));

describe('the reason why a file cannot be used', () => {
  it.each(
    NAMES.flatMap(([name, why]) =>
      COMMANDS.map(([what, line]) => [what, line, name, why] as const),
    ),
  )('%s: vsmmu %s, X is %s', async (what, line, name, why) => {
    if (line.startsWith('inspect') && name === 'loop')
      await symlink('loop', `${join(folder, 'loop')}.json`);
    const { status, stdout, stderr } = await vsmmu(...wordsOf(line, name));
    expect([status, stdout], stderr).toEqual([2, '']);
    expect(stderr).toMatch(new RegExp(`^vsmmu: ${what} \\S+: (${why.source})\n$`));
  });

  it('is told in words for each code', () => {
    for (const code of ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EIO', 'EPIPE', 'EMFILE', 'EISDIR']) {
      const error = Object.assign(new Error(code), { code });
      expect(fileReason(error)).toMatch(/^[a-z][a-z/ -]+$/);
      expect(writeReason(error)).toBe(fileReason(error));
    }
  });
});

describe('an empty name', () => {
  it.each([
    ['cannot read : its name is empty', ['boot', '--config', '']],
    ['cannot load device : its name is empty', ['boot', 'toy', '--device', '']],
    ['cannot read : its name is empty', ['trace', 'summary', '']],
    ['cannot read : its name is empty', ['decode', 'log', '']],
    ['cannot read : its name is empty', ['bench', 'linux', '--kernel', '', '--initrd', 'x']],
    ['the name of the folder must not be empty', ['guest', 'init', '']],
  ])('%s: vsmmu %j', async (message, words) => {
    const { status, stdout, stderr } = await vsmmu(...words);
    expect([status, stdout, stderr]).toEqual([2, '', `vsmmu: ${message}\n`]);
  });
});
