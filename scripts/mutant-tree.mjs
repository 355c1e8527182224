// SPDX-License-Identifier: MIT
// A copy of the tree in a temporary folder, for sources with a planted fault: the tests
// run there, and the affected WebAssembly modules are built there, by compilers that are
// kept from one fault to the next.

import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildError, RECORDS } from './build-record.mjs';
import { compileModules, staleModules, wasmModules } from './build-wasm.mjs';
import { mergedUnits, mergeUnits, staleUnits } from './merge-wasm.mjs';

/** Parts that a copy does not need: history, linked folders, and other builds. */
const LEFT_OUT = ['.git', 'node_modules', 'dist-debug'];
/**
 * Caches of tools, by paths in their tree: a copy has its own, which are removed with it.
 */
const CACHES = ['.cache', '.vite', '.vite-temp', '.experimental-vitest-cache'];

/**
 * @typedef {object} Outcome
 * @property {'passed' | 'failed' | 'invalid' | 'timeout'} status invalid: it does not
 *   build.
 * @property {string} [killedBy] File and name of the first test that failed; 'timeout'.
 * @property {string} output What the runner printed.
 */

export class MutantTree {
  /** @type {string} */ #folder;
  /** The original text of the changed sources. @type {Map<string, string>} */
  #originals = new Map();
  /**
   * WebAssembly modules and build records for the tree's own sources.
   * @type {ReadonlyMap<string, Buffer>}
   */
  #built;
  /** Ends the running tests. @type {() => void} */
  #end = () => undefined;

  /** @param {string} root The tree to copy, which must be built. */
  constructor(root) {
    this.#folder = mkdtempSync(join(tmpdir(), 'vsmmu-mutant-'));
    for (const name of readdirSync(root))
      if (!LEFT_OUT.includes(name))
        cpSync(join(root, name), join(this.#folder, name), { recursive: true });
    const packages = join(this.#folder, 'node_modules');
    mkdirSync(packages);
    for (const name of readdirSync(join(root, 'node_modules')))
      if (!CACHES.includes(name))
        symlinkSync(join(root, 'node_modules', name), join(packages, name));
    const modules = wasmModules(root);
    const files = [
      ...modules.flatMap(({ outFile, textFile = [] }) => [outFile, textFile].flat()),
      ...mergedUnits(modules).flatMap(({ outFiles }) => outFiles),
      ...readdirSync(join(root, RECORDS)).map((name) => join(RECORDS, name)),
    ];
    this.#built = new Map(files.map((file) => [file, readFileSync(join(this.#folder, file))]));
  }

  /** Ends the programs that run in the copy, and removes it. */
  remove() {
    this.#end();
    rmSync(this.#folder, { recursive: true, maxRetries: 5 });
  }

  /**
   * Changes a source until `restore`.
   * @param {string} file Relative to the root.
   * @param {(text: string) => string} change
   */
  change(file, change) {
    const path = join(this.#folder, file);
    const text = readFileSync(path, 'utf8');
    if (!this.#originals.has(file)) this.#originals.set(file, text);
    writeFileSync(path, change(text));
  }

  /** Restores the tree's own sources and modules, without a build. */
  restore() {
    for (const [file, text] of this.#originals) writeFileSync(join(this.#folder, file), text);
    this.#originals.clear();
    for (const [file, bytes] of this.#built) writeFileSync(join(this.#folder, file), bytes);
  }

  /**
   * Runs tests up to the first that fails.
   * @param {readonly string[]} args Files, or options of vitest.
   * @param {{ dist?: boolean, limitMs: number }} options dist: tests that load dist/ see
   *   the change. Without it only the WebAssembly modules are built.
   * @returns {Promise<Outcome>}
   */
  async test(args, { dist = false, limitMs }) {
    const start = performance.now();
    try {
      await this.#buildModules();
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      return { status: 'invalid', output: error.message };
    }
    const report = join(this.#folder, 'build/mutant.json');
    rmSync(report, { force: true });
    const vitest = join(this.#folder, 'node_modules/vitest/vitest.mjs');
    const options = ['--project', 'unit', '--bail', '1', '--passWithNoTests'];
    const reporters = ['--reporter', 'json', '--outputFile', report];
    const environment = dist ? {} : { VSMMU_BUILD: 'modules' };
    const { status, output } = await this.#run(
      [vitest, 'run', ...options, ...reporters, ...args],
      environment,
      Math.max(0, limitMs - (performance.now() - start)),
    );
    if (status === 'timeout') return { status, killedBy: status, output };
    if (status === 0) return { status: 'passed', output };
    const killedBy = firstFailure(report, this.#folder);
    return killedBy === undefined
      ? { status: 'invalid', output }
      : { status: 'failed', killedBy, output };
  }

  /**
   * Builds what the change made stale. The run of the tests would do so too, but with a
   * compiler that has just started, which takes three times as long.
   * @throws {BuildError}
   */
  async #buildModules() {
    const modules = wasmModules(this.#folder);
    await compileModules(this.#folder, staleModules(this.#folder, modules));
    await mergeUnits(this.#folder, staleUnits(this.#folder, mergedUnits(modules)));
  }

  /**
   * @param {readonly string[]} args
   * @param {Readonly<Record<string, string>>} environment
   * @param {number} limitMs
   * @returns {Promise<{ status: number | 'timeout', output: string }>}
   */
  #run(args, environment, limitMs) {
    const env = { ...process.env, ...environment };
    // Another test run may have started this one, which must not inherit its settings.
    for (const name of Object.keys(env))
      if (/^VITEST|^TEST$|^NODE_ENV$|^VSMMU_(?!BUILD)/.test(name)) delete env[name];
    // A mutant may not end, and has workers: a separate process group can be ended as a
    // whole.
    const child = spawn(process.execPath, args, { cwd: this.#folder, env, detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    return new Promise((done, fail) => {
      let late = false;
      this.#end = () => {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      };
      const limit = setTimeout(() => {
        late = true;
        this.#end();
      }, limitMs);
      child.on('error', fail);
      child.on('close', (code) => {
        clearTimeout(limit);
        this.#end = () => undefined;
        done({ status: late ? 'timeout' : (code ?? 1), output });
      });
    });
  }
}

/**
 * The first failed test of a vitest report, or the file that could not be loaded;
 * undefined when no file was run.
 * @param {string} report
 * @param {string} folder
 */
function firstFailure(report, folder) {
  let text = '';
  try {
    text = readFileSync(report, 'utf8');
  } catch {
    return undefined;
  }
  for (const { name, status, assertionResults } of JSON.parse(text).testResults) {
    const file = name.slice(name.indexOf(folder) + folder.length + 1);
    for (const test of assertionResults)
      if (test.status === 'failed') return `${file}: ${test.fullName}`;
    if (status === 'failed') return file;
  }
  return undefined;
}
