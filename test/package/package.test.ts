// SPDX-License-Identifier: MIT
// The package in an empty folder: its contents, that Node.js and the compiler find
// everything, and that it works.

import { readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { blocksOf } from '../../scripts/doc-blocks.mjs';
import { specifiersOf } from '../../scripts/imports.mjs';
import { PROJECTS, SOURCES } from '../../scripts/type-projects.mjs';
import { compileAssembly } from '../support/compile-assembly.ts';
import { importGraph } from '../support/import-graph.ts';
import { installPacked, type Packed, run } from '../support/packed.ts';
import { PROJECT } from '../support/project.ts';
import { THOROUGH } from '../support/thorough.ts';

const TSC = join(PROJECT, 'node_modules/typescript/bin/tsc');
/**
 * The output that a page shows for an example that it runs from the installed package.
 */
function shownOutput(page: string, example: string): string {
  const blocks = blocksOf(readFileSync(join(PROJECT, page), 'utf8'));
  const command = `node node_modules/vsmmu/docs/examples/${example}\n`;
  return blocks[blocks.findIndex(({ text }) => text === command) + 1]?.text ?? 'none';
}
const TYPE_ROOTS = join(PROJECT, 'node_modules/@types');

let packed: Packed;
beforeAll(async () => {
  packed = await installPacked();
  // An optional peer, which an application installs.
  await symlink(join(PROJECT, 'node_modules/v86'), join(packed.folder, 'node_modules/v86'));
}, 120_000);
afterAll(() => packed.remove());

const paths = () => packed.files.map(({ path }) => path);
const installed = () => join(packed.folder, 'node_modules/vsmmu');
const textOf = (path: string) => readFileSync(join(installed(), path), 'utf8');

async function program(name: string, source: string): Promise<{ stdout: string; stderr: string }> {
  await writeFile(join(packed.folder, name), source);
  return await run(process.execPath, [name], { cwd: packed.folder });
}

describe('the package', { timeout: 120_000 }, () => {
  it('contains what its entries name, each module next to its loader, and nothing that is not for users', () => {
    const entries = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Object.values(entry),
    );
    for (const entry of entries.filter((path) => !path.includes('*')))
      expect(paths()).toContain(entry.slice(2));
    // Every entry with code is for web pages as well.
    for (const [name, entry] of Object.entries(manifest.exports))
      if (typeof entry === 'object' && 'default' in entry)
        expect('browser' in entry && entry.browser, name).toBe(entry.default);
    for (const module of ['guest-port', 'smmu-core', 'vcmdq-drain', 'smmu-unit', 'amd-unit'])
      expect(paths()).toContain(`dist/assembly/${module}.wasm`);
    expect(paths()).toContain('dist/assembly/load.js');
    for (const worker of ['vcpu-worker', 'drain-worker'])
      expect(paths()).toContain(`dist/vmm/threads/${worker}.js`);
    for (const file of ['README.md', 'LICENSE', 'dist/cli/main.js', 'dist/guest-driver/toy.wasm'])
      expect(paths()).toContain(file);
    expect(
      paths().filter((path) =>
        /^(test|scripts|bench|dist-debug)\/|\.map$|dist\/.*\.wat$|driver\.wasm$|\.tgz$/.test(path),
      ),
    ).toEqual([]);
  });

  it('imports nothing of Node.js from any entry, @wasmer/wasi when a guest needs it, and names each worker once', () => {
    const entries = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'object' && 'browser' in entry ? [entry.browser] : [],
    );
    expect(entries.length).toBeGreaterThan(5);
    const everything = importGraph(installed(), entries, specifiersOf);
    expect(everything.packages).toEqual(['@wasmer/wasi', 'comlink', 'valibot']);
    const withoutDynamic = (code: string) => specifiersOf(code.replaceAll('import(', 'later('));
    expect(importGraph(installed(), entries, withoutDynamic).packages).toEqual([
      'comlink',
      'valibot',
    ]);
    for (const worker of ['vcpu-worker', 'drain-worker']) {
      const named = [...everything.files.values()].flatMap((code) => code.split(`./${worker}.js'`));
      expect(named, worker).toHaveLength(everything.files.size + 1);
      expect([...everything.files.keys()]).toContain(`dist/vmm/threads/${worker}.js`);
    }
  });

  it('contains the files that its pages link to', () => {
    const pages = paths().filter((path) => /^(README|docs\/[^/]+|templates\/.*)\.md$/.test(path));
    expect(pages.length).toBeGreaterThan(20);
    for (const page of pages) {
      const prose = textOf(page).replace(/^```[\s\S]*?^```$/gm, '');
      for (const [, target = ''] of prose.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g))
        if (!/^https?:/.test(target))
          expect(paths(), page).toContain(posix.join(page, '..', target));
    }
  });

  it('has the files that its pages name, unless they are marked as those of a checkout', () => {
    const folders =
      'assembly|bench|cli|demo|devices|docs|guest-driver|host|scripts|templates|test|vmm';
    const named = new RegExp(`\`((?:${folders})/[^\\s\`]*)\``, 'g');
    for (const page of paths().filter((path) => /^(README|docs\/[^/]+)\.md$/.test(path))) {
      const text = textOf(page);
      if (text.includes('its paths are of a checkout')) continue;
      // A paragraph, an item of a list or a row of a table.
      const passages = text.split(/\n(?=\s*\n|\s*- |\|)/);
      for (const passage of passages.filter((one) => !one.includes('checkout')))
        for (const [, path = ''] of passage.matchAll(named))
          expect(
            paths().some(
              (file) =>
                file === path ||
                file.startsWith(`${path.replace(/\/$/, '')}/`) ||
                // In a reader's own project, as created by `vsmmu guest init`.
                (file.startsWith('templates/') && file.endsWith(`/${path}`)),
            ),
            `${path} in ${page}`,
          ).toBe(true);
    }
  });

  it('contains the modules that its examples import', () => {
    for (const example of paths().filter((path) => /^docs\/examples\/.*\.(mjs|ts)$/.test(path))) {
      for (const [, target = ''] of textOf(example).matchAll(/ from '(\.[^']*)'/g)) {
        const file = posix.join(example, '..', target);
        expect(
          [file, `${file}.ts`].some((one) => paths().includes(one)),
          example,
        ).toBe(true);
      }
    }
  });

  // Some 10 % above the current sizes: a commit that needs more states the reason, and
  // raises it here.
  it.each([
    ['WebAssembly', /\.wasm$/, 580_000],
    ['JavaScript', /\.js$/, 2_600_000],
    ['declarations', /\.d\.ts$/, 1_030_000],
    ['pages', /\.(md|png|svg)$/, 490_000],
    ['all files', /./, 4_900_000],
  ])('keeps to the budget of %s', (_, pattern, bytes) => {
    const sizes = packed.files.filter(({ path }) => pattern.test(path)).map(({ size }) => size);
    const sum = sizes.reduce((all, size) => all + size, 0);
    expect(sum).toBeLessThan(bytes);
    expect(sum, 'a budget that nothing comes near').toBeGreaterThan(bytes / 2);
  });

  it('is small, and has the size in docs/api.md', () => {
    expect(packed.size).toBeLessThan(1_420_000);
    expect(packed.files.length).toBeLessThan(1_500);
    const [, size, unpacked] =
      /The package is ([\d.]+)\s+MB\s+packed, ([\d.]+)\s+MB\s+unpacked/.exec(
        readFileSync(join(PROJECT, 'docs/api.md'), 'utf8'),
      ) ?? [];
    expect(Math.abs(packed.size / 1e6 - Number(size))).toBeLessThan(0.1);
    expect(Math.abs(packed.unpackedSize / 1e6 - Number(unpacked))).toBeLessThan(0.1);
  });

  it('boots the toy from a program of ten lines, on threads, and lets it end', async () => {
    const { stdout, stderr } = await program(
      'boot.mjs',
      `import { Host } from 'vsmmu';
import { toyGuest } from 'vsmmu/guest';

const host = await Host.create();
const machine = await host.createMachine({ guest: toyGuest, transport: 'mailbox', args: ['rounds=3', 'warmup=0'] });
machine.on('output', (bytes) => process.stdout.write(bytes));
await machine.boot();
const { status, exitCode } = await machine.wait();
await host.destroy();
console.log('ended:', status, exitCode);`,
    );
    expect(stderr).toBe('');
    expect(stdout).toContain('vsmmu toy guest: UART up');
    expect(stdout).toMatch(/ended: off 0\n$/);
  });

  it('has a contract suite and a fake host for other people’s devices', async () => {
    const { stdout } = await program(
      'contract.mjs',
      `import { deviceContract, FakeHost } from 'vsmmu/testing';
import { Pl011 } from 'vsmmu/devices';
const cases = deviceContract(() => new Pl011({ onOutput() {} }), { operations: 50, seeds: [1] });
for (const { run } of cases) await run();
console.log(cases.length > 5, typeof FakeHost);`,
    );
    expect(stdout).toBe('true function\n');
  });

  it.each([
    ['block-device-vm.mjs', 'F_TRANSLATION StreamID 3, iova 0x40002000\n'],
    ['host-in-worker.mjs', "{ status: 'off', exitCode: 0, reason: '' }\ntrue: lines"],
    ['own-vmm.mjs', 'interrupt 40\nhello through the SMMU\n'],
    ['v86.mjs', shownOutput('docs/v86.md', 'v86.mjs')],
    ['viommu.mjs', shownOutput('docs/iommufd.md', 'viommu.mjs')],
  ])('has an example that runs from the tarball: %s', async (example, expected) => {
    const folder = 'node_modules/vsmmu/docs/examples';
    const { stdout, stderr } = await run(process.execPath, [join(folder, example)], {
      cwd: packed.folder,
    });
    expect(stderr).toBe('');
    expect(stdout).toContain(expected);
  });

  it('has all that a guest in AssemblyScript or C is built of', async () => {
    const vsmmu = join(installed(), 'dist/cli/main.js');
    const { folder: cwd } = packed;
    for (const lang of ['as', 'c'])
      await run(process.execPath, [vsmmu, 'guest', 'init', lang, '--lang', lang], { cwd });
    expect(readFileSync(join(cwd, 'c/vsmmu.h'), 'utf8')).toContain('#define SMMU_IDR0 0x000u');
    await writeFile(
      join(cwd, 'as/guest.wasm'),
      await compileAssembly('assembly/guest.ts', [], join(cwd, 'as')),
    );
    const { stdout } = await run(process.execPath, [vsmmu, 'boot', 'as/guest.wasm'], { cwd });
    expect(stdout).toContain('event 0x10 of StreamID 0x8 at iova 0x100000\n');
  });

  it('has a command', async () => {
    const { stdout } = await run(
      join(packed.folder, 'node_modules/.bin/vsmmu'),
      ['boot', 'toy', '--path', 'direct', '--arg', 'warmup=0', '--json'],
      {
        cwd: packed.folder,
        env: { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env.PATH}` },
      },
    );
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });

  it('shows its modules and workers for bundlers, and nothing else', async () => {
    const { stdout } = await program(
      'assets.mjs',
      `const found = ['vsmmu/wasm/smmu-core.wasm', 'vsmmu/workers/drain-worker.js'].map((name) => import.meta.resolve(name).split('node_modules/')[1]);
const hidden = await import('vsmmu/dist/cli/main.js').catch((error) => error.code);
console.log(JSON.stringify([...found, hidden]));`,
    );
    expect(JSON.parse(stdout)).toEqual([
      'vsmmu/dist/assembly/smmu-core.wasm',
      'vsmmu/dist/vmm/threads/drain-worker.js',
      'ERR_PACKAGE_PATH_NOT_EXPORTED',
    ]);
  });
});

describe('its types', { timeout: 120_000 }, () => {
  const KINDS: [what: string, compilerOptions: object][] = [
    ['a page, with a bundler', { ...PROJECTS.dom }],
    ['Node.js, without the DOM', { ...PROJECTS.node, typeRoots: [TYPE_ROOTS] }],
  ];
  if (THOROUGH)
    KINDS.push(['a page', { ...PROJECTS.dom, module: 'node16', moduleResolution: 'node16' }]);

  // scripts/check-types.mjs tests more compilers, and each entry alone.
  it.each(KINDS)('are complete for %s, library files checked', async (_, compilerOptions) => {
    for (const [file, source] of SOURCES) await writeFile(join(packed.folder, file), source);
    await writeFile(
      join(packed.folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['main.ts', 'vsmmu-iommufd-mock.ts'] }),
    );
    const { stdout } = await run(process.execPath, [TSC, '-p', '.'], {
      cwd: packed.folder,
    }).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});
