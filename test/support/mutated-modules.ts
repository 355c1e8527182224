// SPDX-License-Identifier: MIT
// A hot module with lines of its source changed, compiled in a temporary folder.

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SeparateModules } from '../../assembly/load.ts';
import { compileAssembly } from './compile-assembly.ts';
import { PROJECT } from './project.ts';

export interface Mutation {
  /** Path below assembly/. */
  readonly file: string;
  /** Must occur in the file exactly once. */
  readonly original: string;
  readonly mutant: string;
}

const TARGETS = { smmuCore: 'smmu-core', vcmdqDrain: 'vcmdq-drain' } as const;

/** The hot modules, one of them compiled from changed sources. */
export async function mutatedModules(
  modules: SeparateModules,
  module: keyof typeof TARGETS,
  mutations: readonly Mutation[],
): Promise<SeparateModules> {
  return { ...modules, [module]: await compileMutant(TARGETS[module], mutations) };
}

/** The AMD IOMMU's module, compiled from changed sources. */
export async function mutatedAmdIommu(mutations: readonly Mutation[]): Promise<WebAssembly.Module> {
  return await compileMutant('amd-iommu', mutations);
}

async function compileMutant(
  target: string,
  mutations: readonly Mutation[],
): Promise<WebAssembly.Module> {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-mutant-'));
  try {
    for (const part of ['assembly', 'asconfig.json', 'package.json'])
      await cp(join(PROJECT, part), join(folder, part), { recursive: true });
    await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    for (const { file, original, mutant } of mutations) {
      const path = join(folder, 'assembly', file);
      const code = await readFile(path, 'utf8');
      if (code.split(original).length !== 2)
        throw new Error(`"${original}" does not stand exactly once in ${file}`);
      await writeFile(path, code.replace(original, mutant));
    }
    const compiled = await compileAssembly(
      `assembly/${target}/index.ts`,
      ['--target', target, '--optimizeLevel', '1'],
      folder,
    );
    return await WebAssembly.compile(compiled);
  } finally {
    await rm(folder, { recursive: true });
  }
}
