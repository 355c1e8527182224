// SPDX-License-Identifier: MIT
// Bugs planted in the core, which the matrix of the reference walker must find.

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../reference/compare.ts';
import { compileAssembly } from '../support/compile-assembly.ts';
import { checkedModules } from '../support/findings.ts';
import { PROJECT } from '../support/project.ts';
import { Harness } from '../support/unit-harness.ts';

/** The target smmu-core of asconfig.json, without optimisation: it compiles faster. */
const UNOPTIMISED = [
  ...[
    '--runtime',
    'stub',
    '--importMemory',
    '--sharedMemory',
    '--noExportMemory',
    '--enable',
    'threads',
    '--enable',
    'simd',
  ],
  ...[
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
    '--use',
    'abort=',
    '--config',
    'none',
    '--optimizeLevel',
    '1',
  ],
];

describe('a bug planted in the core', () => {
  let root: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'vsmmu-walker-'));
    await symlink(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
  });
  afterAll(async () => {
    await rm(root, { recursive: true });
  });

  it.each([
    [
      'walk-stage1.ts',
      'if (!hierarchyOff) tableHi |= u32(descriptor >> 32);',
      'tableHi = 0;',
      'table attributes are not inherited',
    ],
    ['geometry.ts', ': 3 - i32(sl0);', ': 2 - i32(sl0);', 'S2SL0 read as for 4 KiB'],
    [
      'walk-stage1.ts',
      'if (clean && write) updated &= ~u64(maskOf(PTE_AP_RO));',
      'if (clean && write) updated |= 0;',
      'no dirty state',
    ],
    [
      'configure.ts',
      'store<u32>(first, word0 | maskOf(CD_EPD1));',
      'store<u32>(first, word0);',
      'EL2 has an upper half',
    ],
    [
      'configure.ts',
      'const word0 = load<u32>(first) & ~maskOf(CD_EPD0);',
      'const word0 = load<u32>(first);',
      'EL2 does without its only half',
    ],
    [
      'walk-stage1.ts',
      'const big = bits(load<u32>(THREAD + THREAD_CFG, CFG_CD0), CD_ENDI) != 0;',
      'const big = false;',
      'a big-endian descriptor is updated little-endian',
    ],
    [
      'walk-stage2.ts',
      'return (none != split ? 0 : TLB_PERM_PX) | (none ? 0 : TLB_PERM_UX);',
      'return none ? 0 : TLB_PERM_PX | TLB_PERM_UX;',
      'no XNX',
    ],
    [
      'walk-stage1.ts',
      'const permissions = el2\n',
      'const permissions = !smmu\n',
      'EL2 has privilege',
    ],
  ])('%s: %s is found', { timeout: 240_000 }, async (file, original, mutant) => {
    await cp(join(PROJECT, 'assembly'), join(root, 'assembly'), { recursive: true });
    const path = join(root, 'assembly/smmu-core', file);
    const code = await readFile(path, 'utf8');
    expect(code.split(original)).toHaveLength(2);
    await writeFile(path, code.replace(original, mutant));
    const core = await compileAssembly('assembly/smmu-core/index.ts', UNOPTIMISED, root);
    const modules = { ...(await checkedModules()), smmuCore: await WebAssembly.compile(core) };
    expect(compare(new Harness(modules, {}), 1).differences.length).toBeGreaterThan(0);
  });
});
