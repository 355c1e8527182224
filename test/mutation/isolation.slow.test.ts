// The isolation checks of the toy's report must be able to fail: each of these mutants switches one wall between machines off, and the
// report of the mutated program must say so.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wasmModules } from '../../scripts/build-wasm.mjs';
import { mergedUnits, mergeUnits } from '../../scripts/merge-wasm.mjs';
import { compileAssembly } from '../support/compile-assembly.ts';
import { PROJECT } from '../support/project.ts';

interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly detail: string;
  }[];
}

/** Replaces `original`, which must stand in the file exactly once. */
async function mutate(file: string, original: string, mutant: string): Promise<void> {
  const code = await readFile(file, 'utf8');
  expect(code.split(original).length - 1, `places of "${original}"`).toBe(1);
  await writeFile(file, code.replace(original, mutant));
}

function bootToy(program: string): Promise<Report> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [join(program, 'dist/cli/main.js'), 'boot', 'toy', '--vms', '2', '--json'],
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

describe('a program without', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vsmmu-mutants-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  /** A copy of the built program and of the drain's source. */
  async function copy(name: string): Promise<string> {
    const program = join(folder, name);
    for (const part of ['dist', 'assembly', 'package.json', 'asconfig.json'])
      await cp(join(PROJECT, part), join(program, part), { recursive: true });
    await symlink(join(PROJECT, 'node_modules'), join(program, 'node_modules'));
    return program;
  }

  async function withDrain(
    name: string,
    file: string,
    original: string,
    mutant: string,
  ): Promise<Report> {
    const program = await copy(name);
    await mutate(join(program, 'assembly/vcmdq-drain', file), original, mutant);
    const drain = await compileAssembly(
      'assembly/vcmdq-drain/index.ts',
      ['--target', 'vcmdq-drain', '--optimizeLevel', '1'],
      program,
    );
    await writeFile(join(program, 'dist/assembly/vcmdq-drain.wasm'), drain);
    // What an engine with multi-memory takes.
    const units = mergedUnits(wasmModules(program)).filter(({ name }) => name === 'smmu-unit');
    await mergeUnits(program, units);
    for (const outFile of units.flatMap(({ outFiles }) => outFiles))
      await cp(join(program, outFile), join(program, 'dist', outFile));
    return await bootToy(program);
  }

  const failed = (report: Report) =>
    report.checks.filter((check) => !check.ok).map((check) => check.name);

  it('mutation: every check holds', { timeout: 240_000 }, async () => {
    const report = await bootToy(await copy('none'));
    expect(failed(report)).toEqual([]);
    expect(report.ok).toBe(true);
  });

  it('VMID substitution: the neighbours’ IOTLB entries are lost', {
    timeout: 240_000,
  }, async () => {
    const report = await withDrain(
      'vmid',
      'execute.ts',
      'if (load<u32>(context, CTX_HYP_OWN) != 0) return written;',
      'return written;',
    );
    expect(report.ok).toBe(false);
    expect(failed(report)).toContain('isolation: IOTLB entries: vm1 lost nothing');
  });

  it('StreamID match: a guest names streams that are not its own', {
    timeout: 240_000,
  }, async () => {
    const report = await withDrain(
      'sid',
      'endpoint-commands.ts',
      'return NO_SID;',
      'return u64(virtSid);',
    );
    expect(report.ok).toBe(false);
    expect(failed(report)).toContain('vm0: attack-sid-fields');
  });

  it('the shadow of VINTF_CONFIG.VMID: a guest chooses whose entries it invalidates', {
    timeout: 240_000,
  }, async () => {
    const program = await copy('shadow');
    const write = 'this.#backend.context.vmid = (this.#global.vintfConfig(0) >>> 1) & 0xffff;';
    const call = 'this.#enablesChanged();';
    await mutate(
      join(program, 'dist/devices/cmdqv/virtual-cmdqv.js'),
      call,
      `{ ${write} ${call} }`,
    );
    const report = await bootToy(program);
    expect(report.ok).toBe(false);
    expect(failed(report)).toContain('isolation: IOTLB entries: vm1 lost nothing');
  });
});
