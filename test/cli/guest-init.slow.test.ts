// SPDX-License-Identifier: MIT
// vsmmu guest init: the files that it writes for each language, that they build and boot
// as the README says, and that an editor accepts them. scripts/check-c-guest.mjs tests C,
// which needs clang.

import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { compileAssembly } from '../support/compile-assembly.ts';
import { blocksOf, newFolder, readPage, runPage } from '../support/doc-page.ts';
import { run } from '../support/packed.ts';
import { PROJECT } from '../support/project.ts';
import { vsmmu } from '../support/vsmmu-command.ts';

const TSC = join(PROJECT, 'node_modules/typescript/bin/tsc');
const CONSOLE = [
  'the device has written 0xc0ffee',
  'the device may not write',
  'event 0x10 of StreamID 0x8 at iova 0x100000',
];

let folder: string;
/** The project in AssemblyScript, compiled. */
let built: Promise<Uint8Array> | undefined;
beforeAll(async () => {
  folder = await newFolder();
  await symlink(
    join(PROJECT, 'node_modules/assemblyscript'),
    join(folder, 'node_modules/assemblyscript'),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const filesIn = (project: string) =>
  readdirSync(join(folder, project), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

describe('vsmmu guest init', { timeout: 120_000 }, () => {
  it.each([
    ['as', ['README.md', 'asconfig.json', 'guest.ts', 'package.json', 'tsconfig.json'], 'npm'],
    ['c', ['Makefile', 'README.md', 'guest.c', 'vsmmu.h'], 'make'],
    ['wat', ['README.md', 'guest.wat', 'package.json'], 'npm'],
  ])('--lang %s writes what such a guest needs, and what to do next', async (lang, files, tool) => {
    const { status, stdout } = await vsmmu('guest', 'init', join(folder, lang), '--lang', lang);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^Now: cd \\S+/${lang} && ${tool} .* npx vsmmu boot guest.wasm\n$`),
    );
    expect(filesIn(lang)).toEqual(files);
  });

  it('writes AssemblyScript where no language is given', async () => {
    expect((await vsmmu('guest', 'init', join(folder, 'default'))).status).toBe(0);
    expect(filesIn('default')).toContain('asconfig.json');
  });

  it('touches nothing in a folder that has something in it', async () => {
    const before = readFileSync(join(folder, 'c/guest.c'), 'utf8');
    const { status, stderr } = await vsmmu('guest', 'init', join(folder, 'c'), '--lang', 'as');
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^vsmmu: \S+ is not empty\n$/)]);
    expect(filesIn('c')).toEqual(['Makefile', 'README.md', 'guest.c', 'vsmmu.h']);
    expect(readFileSync(join(folder, 'c/guest.c'), 'utf8')).toBe(before);
  });

  it.each(['as', 'wat'])('a project in %s builds and boots as in its README', async (lang) => {
    const page = await readPage(`templates/${lang}/README.md`);
    const inside = page.map((block) =>
      block.language === 'sh' ? { ...block, text: `cd guest\n${block.text}` } : block,
    );
    const init = blocksOf(`\`\`\`sh\nnpx vsmmu guest init guest --lang ${lang}\n\`\`\`\n`);
    expect(await runPage([...init, ...inside])).toBe(2);
  });

  it.each([
    ['ECMDQs', '4 queues', '0 exits', ['--queues', 'ecmdq']],
    ['trapped queues', '2 queues', '2 exits', ['--no-direct-maps']],
    ['the CMDQ alone, shared', '0 queues', '0 exits', ['--overlay']],
  ])('the driver works with %s', async (_, queues, exits, options) => {
    built ??= compileAssembly('assembly/guest.ts', [], join(folder, 'as'));
    const guest = join(folder, 'guest.wasm');
    await writeFile(guest, await built);
    const { status, stdout } = await vsmmu('boot', guest, ...options);
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(0, 5)).toEqual([
      `${queues} for invalidations in addition to the CMDQ`,
      CONSOLE[0],
      `unmapped and invalidated with ${exits}`,
      ...CONSOLE.slice(1),
    ]);
  });

  it('an editor finds no error in the AssemblyScript, nor in the package’s', async () => {
    const { stdout } = await run(process.execPath, [TSC, '--noEmit', '-p', '.'], {
      cwd: join(folder, 'as'),
    }).catch((error: { stdout: string }) => error);
    // One error is the compiler's own: its declarations are older than TypeScript 7.
    const errors = stdout.split('\n').filter((line) => line.includes(': error '));
    expect(errors.filter((line) => !line.includes('assemblyscript/std/'))).toEqual([]);
    const guest = join(folder, 'as/assembly/guest.ts');
    expect(await readFile(guest, 'utf8')).toContain("from 'vsmmu/guest-driver/driver'");
  });

  it('the project in AssemblyScript wants this version of the package', async () => {
    const project = JSON.parse(await readFile(join(folder, 'as/package.json'), 'utf8'));
    expect(project.peerDependencies.vsmmu).toBe(`^${manifest.version}`);
    expect(project.devDependencies.assemblyscript).toBe(manifest.devDependencies.assemblyscript);
  });
});
