// SPDX-License-Identifier: MIT
// `vsmmu bench linux` checks its files before it prints its table.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vsmmu } from '../../support/vsmmu-command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-bench-'));
  await writeFile(join(folder, 'empty'), '');
  await writeFile(join(folder, 'cut.elf'), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1));
});
afterAll(() => rm(folder, { recursive: true }));

describe('vsmmu bench linux', () => {
  it.each([
    ['empty', "the kernel's file is empty"],
    ['cut.elf', '.+'],
  ])('of the file %s prints one line, which names it', async (name, why) => {
    const file = join(folder, name);
    const { status, stdout, stderr } = await vsmmu(
      ...['bench', 'linux', '--quick', '--kernel', file, '--initrd', join(folder, 'empty')],
    );
    expect([status, stdout], stderr).toEqual([2, '']);
    expect(stderr).toMatch(new RegExp(`^vsmmu: ${file}: ${why}\n$`));
  });
});
