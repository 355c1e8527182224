// SPDX-License-Identifier: MIT
// Every command and every snippet of these pages, run as a reader would.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { type Block, blocksOf, expectLines, readPage, runPage } from '../support/doc-page.ts';
import { run } from '../support/packed.ts';
import { PROJECT } from '../support/project.ts';

/** For programs of the arm64 board. */
const hasCompiler = spawnSync('aarch64-linux-gnu-gcc', ['--version']).status === 0;

const textOf = (path: string) => readFileSync(join(PROJECT, path), 'utf8');
const PAGES = readdirSync(join(PROJECT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const EVERY_PAGE = [
  ...PAGES,
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...['as', 'c', 'wat'].map((language) => `templates/${language}/README.md`),
];

const SOURCES = ['host', 'vmm', 'devices', 'guest-driver'].flatMap((folder) =>
  readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`),
);

/** The output of the README's program. */
const README_RUN =
  "```sh\nnode readme.mjs\n```\n```text\nvsmmu toy guest: UART up\n{ status: 'off', exitCode: 0, reason: '' }\n```\n";

/** Functions of the header on which its others are based. */
const INNER =
  /^vsmmu_(mask_of|mmio_\w+|doorbell|info_word|direct_map_of|mapped_register|ring|poll_looks)$/;

describe('pages', { timeout: 240_000 }, () => {
  it.each([
    ['docs/quick-start.md', 2],
    ['docs/concepts.md', 1],
    ['docs/first-device.md', 6],
    ['docs/gdb.md', 1],
    ['docs/cli.md', 6],
    ['docs/api.md', 7],
    ['docs/iommufd.md', 6],
    ['docs/trace.md', 1],
    ['docs/own-vmm.md', 1],
    ['docs/tables.md', 1],
    ['docs/mission.md', 5],
  ])('%s does what it says', async (page, commands) => {
    // One page shows that npx finds the command.
    expect(await runPage(await readPage(page), page === 'docs/quick-start.md')).toBe(commands);
  });

  it('docs/guests.md works for AssemblyScript and WebAssembly text, and contains the examples unchanged', async () => {
    const page = await readPage('docs/guests.md');
    const clang = page.findIndex(({ info }) => info === 'clang');
    expect(await runPage(page.filter((_, i) => i !== clang && i !== clang + 1))).toBe(4);
    expect(page.find(({ info }) => info === 'guest/assembly/guest.ts')?.text).toBe(
      textOf('templates/as/assembly/guest.ts'),
    );
    for (const name of ['guest.c', 'guest.wat', 'files.wat']) {
      expect(page.find(({ info }) => info === name)?.text).toBe(textOf(`docs/examples/${name}`));
    }
    const own = (await readPage('docs/own-vmm.md')).find(({ info }) => info === 'own-vmm.mjs');
    expect(own?.text).toBe(textOf('docs/examples/own-vmm.mjs'));
    const adder = (await readPage('docs/first-device.md')).find(({ info }) => info === 'adder.mjs');
    expect(adder?.text).toBe(textOf('docs/examples/adder-device.mjs'));
  });

  it('docs/guests.md names all that the libraries for guests have', () => {
    const page = textOf('docs/guests.md');
    const names = ['driver', 'runtime'].flatMap((part) =>
      [...textOf(`guest-driver/${part}/index.ts`).matchAll(/^export \{([^}]+)\}/gm)].flatMap(
        ([, list = '']) => list.split(',').map((name) => name.trim()),
      ),
    );
    const results = [...textOf('guest-driver/driver/result.ts').matchAll(/const (\w+)/g)];
    const header = textOf('guest-driver/vsmmu.h').replace(/^\/\/ begin[\s\S]*?^\/\/ end$/gm, '');
    const functions = [...header.matchAll(/^(?:static inline|VSMMU_IMPORT).*? (vsmmu_\w+)\(/gm)];
    expect(names.length + results.length + functions.length).toBeGreaterThan(60);
    for (const name of [...names, ...[...results, ...functions].map(([, name = '']) => name)]) {
      if (!INNER.test(name)) expect(page, name).toContain(name);
    }
  });

  it('docs/device-plugin.md works for a bus master', async () => {
    const page = await readPage('docs/device-plugin.md');
    expect(await runPage(page.filter(({ language }) => language !== 'ts'))).toBe(2);
  });

  it.skipIf(!hasCompiler)('docs/arm64.md builds and boots a bare-metal program', async () => {
    const [, section = ''] =
      /^## A program of your own\n([\s\S]*?)^## /m.exec(textOf('docs/arm64.md')) ?? [];
    expect(await runPage(blocksOf(section))).toBe(1);
  });

  it('the README’s program runs', async () => {
    const program = (await readPage('README.md')).find(({ language }) => language === 'js');
    expect(
      await runPage([
        { language: 'js', info: 'readme.mjs', text: program?.text ?? '' },
        ...blocksOf(README_RUN),
      ]),
    ).toBe(1);
  });

  it('the examples in the comments of the API run', async () => {
    const files: Block[] = [];
    for (const source of SOURCES) {
      const comments = textOf(source);
      const examples = [...comments.matchAll(/ \* @example\n \* ```js\n([\s\S]*?) \* ```\n/g)];
      for (const [i, [, example = '']] of examples.entries()) {
        const text = example.replace(/^ \* ?/gm, '');
        files.push({ language: 'js', info: `${source}-${i}.mjs`, text });
      }
      expect(comments.split('@example'), `${source}: examples are JavaScript`).toHaveLength(
        examples.length + 1,
      );
    }
    expect(files.length).toBeGreaterThan(6);
    // One process for all: an example mostly spends its time loading the package.
    const all = files.map(
      ({ info }) => `await import('./${info}');\nconsole.log('${info} ran');\n`,
    );
    const ran = files.map(({ info }) => `${info} ran\n`).join('');
    expect(
      await runPage([
        ...files,
        { language: 'js', info: 'all.mjs', text: all.join('') },
        ...blocksOf(`\`\`\`sh\nnode all.mjs\n\`\`\`\n\`\`\`text\n${ran}\`\`\`\n`),
      ]),
    ).toBe(1);
  });

  it('link to existing files', () => {
    for (const page of EVERY_PAGE) {
      const folder = join(PROJECT, page, '..');
      const prose = textOf(page).replace(/^```[\s\S]*?^```$/gm, '');
      for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [file = '', anchor] = target.split('#');
        const text = file === '' ? textOf(page) : readFileSync(join(folder, file), 'utf8');
        if (anchor === undefined) continue;
        const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
          title
            .toLowerCase()
            .replace(/[^\w\s-]/g, '')
            .replaceAll(' ', '-'),
        );
        expect(anchors, `${target} in ${page}`).toContain(anchor);
      }
    }
  });

  it('name scripts of the project that there are', () => {
    const builtIn = ['ci', 'install', 'pack', 'test', 'start', 'run', 'version'];
    for (const page of EVERY_PAGE) {
      for (const [, script = ''] of textOf(page).matchAll(/npm run (?:--silent )?([\w:]+)/g)) {
        expect([...Object.keys(manifest.scripts), 'build'], `${script} in ${page}`).toContain(
          script,
        );
      }
      for (const [, command = ''] of textOf(page).matchAll(/npm (\w+)/g)) {
        if (command !== 'run')
          expect([...builtIn, 'package', 'packages'], `npm ${command} in ${page}`).toContain(
            command,
          );
      }
    }
  });

  it('the command line page has every existing option, and no other', async () => {
    const flags = (text: string) =>
      [...new Set([...text.matchAll(/--[a-z][a-z-]+/g)].map(([flag]) => flag))].sort();
    const help = async (...command: string[]) =>
      (await run(process.execPath, [join(PROJECT, 'dist/cli/main.js'), ...command, '--help']))
        .stdout;
    const commands = [['boot'], ['bench'], ['inspect'], ['guest', 'init']];
    const helps = await Promise.all(commands.map((command) => help(...command)));
    expect(flags(textOf('docs/cli.md'))).toEqual(flags(helps.join('')));
  });
});

describe('the check of the pages', () => {
  it('notices a line that the output does not have, or has elsewhere', () => {
    expectLines('a  1\nb 2\nc', 'a 1\nc');
    expect(() => expectLines('a\nb', 'b\na')).toThrow();
    expect(() => expectLines('a', 'x')).toThrow();
  });

  it('notices a command that fails, an unknown kind of block, and code without a file', async () => {
    await expect(runPage(blocksOf('```sh\nfalse\n```\n'))).rejects.toThrow();
    await expect(runPage(blocksOf('```sh someday\ntrue\n```\n'))).rejects.toThrow();
    await expect(runPage(blocksOf('```js\n1\n```\n'))).rejects.toThrow();
  });
});
