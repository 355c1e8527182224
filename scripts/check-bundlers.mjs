#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Carries out docs/bundlers.md on the packed package: its page, built by each bundler
// with the configuration that the page shows, in a real browser; then its program in Bun
// and Deno, in the oldest versions that it names and in later ones. Installs all of them
// in empty folders. Needs Chromium (CHROMIUM=/path/to/it, or Debian's location).
// Arguments: names, to check only those.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, preview } from 'vite';
import { blocksOf } from './doc-blocks.mjs';
import { install, pack, startChromium } from './try-out.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/bundlers.md'), 'utf8');
const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/**
 * Title of each bundler's section, and the versions of the packages that the section
 * installs.
 */
const BUNDLERS = {
  Vite: { vite: devDependencies.vite },
  webpack: { webpack: '5.113.0', 'webpack-cli': '7.3.1' },
  esbuild: { esbuild: '0.28.2' },
  Rollup: { rollup: '4.68.8', '@rollup/plugin-node-resolve': '16.0.3' },
};

/**
 * For each runtime the oldest version that the page names, and a later one; `packages`
 * have nothing but the program.
 */
const RUNTIMES = {
  Bun: {
    versions: ['1.3.14', '1.4.5'],
    packages: { x64: '@oven/bun-linux-x64-baseline', arm64: '@oven/bun-linux-aarch64' },
    folder: 'bin',
  },
  Deno: {
    versions: ['2.7.6', '2.9.6'],
    packages: { x64: '@deno/linux-x64-glibc', arm64: '@deno/linux-arm64-glibc' },
    folder: '.',
  },
};

const RUN_MS = 180_000;
const MACHINES = ['inline: off 0', 'mailbox: off 0', 'done'];
/** Occurs in the code of @wasmer/wasi, 450 KB that the toy does not need. */
const WASI = 'wasmer_wasi_js_bg';

/** The blocks below a heading of the page. @param {string} title */
function section(title) {
  const [, text] =
    new RegExp(`^## ${title}\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, 'm').exec(PAGE) ?? [];
  if (text === undefined) throw new Error(`docs/bundlers.md has no section ${title}`);
  return blocksOf(text);
}

/** Writes the files that the page shows. @param {string} folder */
function writeFiles(folder) {
  for (const { info, text } of blocksOf(PAGE))
    if (info.includes('.')) writeFileSync(join(folder, info), text);
}

/**
 * Runs commands of the page and returns their output.
 * @param {string} folder
 * @param {string} commands
 * @param {string} [path] the first folder to search for programs.
 */
function run(folder, commands, path = join(folder, 'node_modules/.bin')) {
  return execFileSync('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: folder,
    encoding: 'utf8',
    // Output of tools there is part of the error when they fail.
    stdio: 'pipe',
    env: { ...process.env, PATH: `${path}:${process.env.PATH}`, NO_COLOR: '1' },
  });
}

/**
 * The packages that a section installs, in the versions that are checked here.
 * @param {string} title
 * @param {Readonly<Record<string, string>>} versions
 */
function packagesOf(title, versions) {
  const command =
    section(title)
      .find(({ info }) => info === 'install')
      ?.text.trim() ?? '';
  const names = command.split(' ').slice(2);
  if (names.join() !== ['vsmmu', ...Object.keys(versions)].join())
    throw new Error(`${title} says "${command}"`);
  return Object.entries(versions).map(([name, version]) => `${name}@${version}`);
}

/**
 * Opens a page, and checks what the documentation promises for it.
 * @param {import('playwright-core').Browser} browser
 * @param {string} name
 * @param {import('vite').ResolvedServerUrls | null} urls
 */
async function open(browser, name, urls) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  /** @type {Promise<Buffer>[]} */
  const bodies = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('response', (response) => {
    // "304 Not Modified" has no body.
    bodies.push(response.body().catch(() => Buffer.alloc(0)));
  });
  await page.goto(urls?.local[0] ?? '');
  await page.waitForFunction(
    "document.querySelector('#console').textContent.endsWith('done\\n')",
    undefined,
    { timeout: RUN_MS },
  );
  const lines = (await page.textContent('#console'))?.trim().split('\n') ?? [];
  const loaded = Buffer.concat(await Promise.all(bodies));
  if (loaded.includes(WASI)) errors.push('@wasmer/wasi was loaded');
  if (errors.length > 0 || lines.join() !== MACHINES.join())
    throw new Error(`${name}: ${[...lines, ...errors].join('; ')}`);
  console.log(`${name}: ${lines.join(', ')}, ${Math.round(loaded.length / 1000)} KB`);
  await page.close();
}

/**
 * The page, built by each bundler.
 * @param {string} folder
 * @param {readonly (keyof typeof BUNDLERS)[]} bundlers
 */
async function checkBundlers(folder, bundlers) {
  const browser = await startChromium();
  // Serves any folder of files, with the headers of the page's own configuration.
  const serving = { root: folder, logLevel: /** @type {const} */ ('error') };
  try {
    for (const title of bundlers) {
      for (const { language, info, text } of section(title))
        if (language === 'sh' && info === '') run(folder, text);
      const built = await preview({ ...serving, preview: { port: 0 } });
      await open(browser, title, built.resolvedUrls);
      await built.close();
      rmSync(join(folder, 'dist'), { recursive: true });
    }
    if (!bundlers.includes('Vite')) return;
    const server = await createServer({ ...serving, server: { port: 0 } });
    await server.listen();
    await open(browser, 'Vite, development server', server.resolvedUrls);
    await server.close();
  } finally {
    await browser.close();
  }
}

/**
 * The program in a runtime, in each version.
 * @param {string} folder
 * @param {keyof typeof RUNTIMES} name
 */
function checkRuntime(folder, name) {
  const { versions, packages, folder: place } = RUNTIMES[name];
  const [minimum = ''] = versions;
  if (!PAGE.replace(/\s+/g, ' ').includes(`${name} ${minimum}`))
    throw new Error(`docs/bundlers.md does not say "${name} ${minimum}"`);
  const command = section('Node.js, Bun, Deno').find(({ info }) => info === name.toLowerCase());
  const binary = packages[/** @type {'x64' | 'arm64'} */ (process.arch)];
  for (const version of versions) {
    const own = join(folder, `${name}-${version}`);
    install(own, ['--no-save', `${binary}@${version}`]);
    const lines = run(folder, command?.text ?? '', join(own, 'node_modules', binary, place))
      .trim()
      .split('\n');
    if (lines.join() !== [`${name} ${version}`, ...MACHINES].join())
      throw new Error(`${name} ${version}: ${lines.join('; ')}`);
    console.log(lines.join(', '));
  }
}

const asked = process.argv.slice(2);
/** @param {object} table */
const chosen = (table) =>
  Object.keys(table).filter((name) => asked.length === 0 || asked.includes(name));
const bundlers = /** @type {(keyof typeof BUNDLERS)[]} */ (chosen(BUNDLERS));
const runtimes = /** @type {(keyof typeof RUNTIMES)[]} */ (chosen(RUNTIMES));
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-bundlers-'));
try {
  install(folder, [
    pack(folder),
    ...bundlers.flatMap((title) => packagesOf(title, BUNDLERS[title])),
  ]);
  writeFiles(folder);
  if (bundlers.length > 0) await checkBundlers(folder, bundlers);
  for (const name of runtimes) checkRuntime(folder, name);
} finally {
  rmSync(folder, { recursive: true });
}
