// Builds everything into dist/: WebAssembly modules (asc), then JavaScript and types (tsc), then checks the hot modules.
// A module is compiled again only when something that it is made of has changed.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFile } from './check-wasm.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ASC = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
const CACHE = join(ROOT, 'node_modules/.cache/vsmmu/build.json');
const DIST = join(ROOT, 'dist');
const CLI = join(DIST, 'cli/main.js');
const PARALLEL = 2;

/** Folders that the modules of a side are made of. */
const HOT = ['assembly'];
const GUEST = ['guest-driver', 'assembly/layout'];

/** What to compile: a target of asconfig.json, its entry file, the folders that it is made of. */
const TARGETS = [
  { target: 'guest-port', entry: 'assembly/guest-port/index.ts', folders: HOT },
  { target: 'guest-port-private', entry: 'assembly/guest-port/index.ts', folders: HOT },
  { target: 'smmu-core', entry: 'assembly/smmu-core/index.ts', folders: HOT },
  { target: 'smmu-core-checked', entry: 'assembly/smmu-core-checked/index.ts', folders: HOT },
  { target: 'vcmdq-drain', entry: 'assembly/vcmdq-drain/index.ts', folders: HOT },
  { target: 'amd-iommu', entry: 'assembly/amd-iommu/index.ts', folders: HOT },
  { target: 'toy', entry: 'guest-driver/toy/index.ts', folders: GUEST },
  { target: 'secondary', entry: 'guest-driver/secondary/index.ts', folders: GUEST },
  { target: 'driver', entry: 'guest-driver/driver/driver-exports.ts', folders: GUEST },
];

/** A failure that the tool's own output has explained, or that one line explains. */
class BuildError extends Error {}

/**
 * Runs a Node program in the project's root.
 * @param {string[]} args
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
function run(args) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { cwd: ROOT });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', fail);
    child.on('close', (code) => done({ ok: code === 0, output }));
  });
}

/** @param {string[]} files Relative to the root. */
function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const bytes = readFileSync(join(ROOT, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** @param {string} folder */
function sourcesIn(folder) {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

/** @returns {Record<string, string>} */
function readCache() {
  try {
    return JSON.parse(readFileSync(CACHE, 'utf8'));
  } catch {
    return {};
  }
}

/** Compiles the modules that are out of date. Returns the paths of all of them, relative to the root. */
async function buildModules() {
  const config = JSON.parse(readFileSync(join(ROOT, 'asconfig.json'), 'utf8'));
  const tools = ['asconfig.json', 'node_modules/assemblyscript/package.json'];
  const cache = readCache();
  const jobs = TARGETS.map(({ target, entry, folders }) => {
    const outFile = /** @type {string} */ (config.targets[target].outFile);
    const inputs = hashOf([...tools, ...folders.flatMap(sourcesIn).sort()]);
    // The output counts too: a module that something else has written is not what the inputs make.
    const state = () => `${inputs} ${existsSync(join(ROOT, outFile)) ? hashOf([outFile]) : ''}`;
    return { target, entry, outFile, state };
  });
  const stale = jobs.filter((job) => cache[job.target] !== job.state());
  const worker = async () => {
    for (let job = stale.shift(); job; job = stale.shift()) {
      const { ok, output } = await run([ASC, job.entry, '--target', job.target]);
      if (!ok || output.includes('WARNING')) process.stderr.write(output);
      if (!ok) throw new BuildError(`asc could not compile ${job.entry}`);
      cache[job.target] = job.state();
    }
  };
  const results = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
  mkdirSync(dirname(CACHE), { recursive: true });
  writeFileSync(CACHE, JSON.stringify(cache));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return jobs.map((job) => job.outFile);
}

/** Compiles TypeScript into dist/. Returns the emitted files. */
async function buildScripts() {
  const { ok, output } = await run([
    TSC,
    '-p',
    'tsconfig.json',
    '--noEmitOnError',
    '--listEmittedFiles',
  ]);
  const emitted = [];
  for (const line of output.split('\n')) {
    if (line.startsWith('TSFILE: '))
      emitted.push(resolve(ROOT, line.slice('TSFILE: '.length).trim()));
    else if (line !== '') process.stderr.write(`${line}\n`);
  }
  if (!ok) throw new BuildError('tsc found type errors');
  return emitted;
}

/** @param {Set<string>} keep What of dist/ is not left over from an earlier build. */
function removeStale(keep) {
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !keep.has(path)) rmSync(path);
  }
}

async function build() {
  const modules = await buildModules();
  const problems = (
    await Promise.all(modules.map((module) => checkFile(join(ROOT, module))))
  ).flat();
  if (problems.length > 0)
    throw new BuildError(problems.map((problem) => relative(ROOT, problem)).join('\n'));
  const emitted = await buildScripts();
  const copies = modules.map((module) => {
    const copy = join(DIST, module);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(ROOT, module), copy);
    return copy;
  });
  removeStale(new Set([...emitted, ...copies]));
  chmodSync(CLI, 0o755);
}

try {
  await build();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`build failed: ${error.message}`);
  process.exitCode = 1;
}
