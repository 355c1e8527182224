// SPDX-License-Identifier: MIT
// Copies of the built program, each with one change, and the reports of their toys.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { wasmModules } from '../../scripts/build-wasm.mjs';
import { mergedUnits, mergeUnits } from '../../scripts/merge-wasm.mjs';
import { stamp } from '../../scripts/stamp-wasm.mjs';
import { compileAssembly } from '../support/compile-assembly.ts';
import { PROJECT } from '../support/project.ts';

export interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
  }[];
}

/** A text that occurs once in a file, and its replacement. */
export interface Edit {
  /** Relative to the tree; for a `MutantProgram` of dist/, assembly/ or guest-driver/. */
  readonly file: string;
  readonly original: string;
  readonly mutant: string;
}

/** Modules by the folder of their sources: entry file, target, place in dist/. */
const MODULES = [
  ['assembly/vcmdq-drain/', 'assembly/vcmdq-drain/index.ts', 'vcmdq-drain'],
  ['assembly/smmu-core/', 'assembly/smmu-core/index.ts', 'smmu-core'],
  ['guest-driver/', 'guest-driver/toy/index.ts', 'toy'],
] as const;

/** Names of the checks of a report that failed. */
export const failed = (report: Report) =>
  report.checks.filter((check) => !check.ok).map((check) => check.name);

export class MutantProgram {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** A copy of the built program and of the sources of its modules. */
  static async create(): Promise<MutantProgram> {
    const folder = await mkdtemp(join(tmpdir(), 'vsmmu-mutants-'));
    for (const part of ['dist', 'assembly', 'guest-driver', 'package.json', 'asconfig.json'])
      await cp(join(PROJECT, part), join(folder, part), { recursive: true });
    await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    return new MutantProgram(folder);
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true });
  }

  /** Boots the toy with the edits applied, and reverts them. */
  async report(edits: readonly Edit[], args: readonly string[]): Promise<Report> {
    const kept = new Map<string, Uint8Array>();
    const keep = async (path: string) => {
      if (!kept.has(path)) kept.set(path, await readFile(path));
    };
    try {
      for (const { file, original, mutant } of edits) {
        const path = join(this.#folder, file);
        await keep(path);
        const code = await readFile(path, 'utf8');
        expect(code.split(original).length - 1, `places of "${original}" in ${file}`).toBe(1);
        await writeFile(
          path,
          code.replace(original, () => mutant),
        );
      }
      for (const [sources, entry, target] of MODULES)
        if (edits.some(({ file }) => file.startsWith(sources)))
          await this.#compile(entry, target, keep);
      return await this.#boot(args);
    } finally {
      for (const [path, bytes] of kept) await writeFile(path, bytes);
    }
  }

  async #compile(entry: string, target: string, keep: (path: string) => Promise<void>) {
    const options = ['--target', target, '--optimizeLevel', '1'];
    const module = await compileAssembly(entry, options, this.#folder);
    const room = target === 'toy' ? 'guest-driver' : 'assembly';
    const path = join(this.#folder, 'dist', room, `${target}.wasm`);
    await keep(path);
    await writeFile(path, module);
    if (target === 'toy') return;
    // A module without its identification would be refused.
    stamp(path, target);
    // The units of an engine with multi-memory.
    const units = mergedUnits(wasmModules(this.#folder)).filter(({ name }) => name === 'smmu-unit');
    const part = join(this.#folder, 'assembly', `${target}.wasm`);
    await keep(part);
    await cp(path, part);
    await mergeUnits(this.#folder, units);
    for (const outFile of units.flatMap(({ outFiles }) => outFiles)) {
      await keep(join(this.#folder, 'dist', outFile));
      await cp(join(this.#folder, outFile), join(this.#folder, 'dist', outFile));
    }
  }

  #boot(args: readonly string[]): Promise<Report> {
    return new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        [join(this.#folder, 'dist/cli/main.js'), 'boot', 'toy', '--json', ...args],
        { maxBuffer: 1 << 24 },
        (error, stdout) => {
          try {
            resolve(JSON.parse(stdout) as Report);
          } catch {
            reject(error ?? new Error(`no report: ${stdout}`));
          }
        },
      );
    });
  }
}
