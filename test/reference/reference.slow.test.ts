// The real core against a plain reference walker on a generated matrix; and bugs planted in the real core, which the matrix must find.

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileAssembly } from '../support/compile-assembly.ts';
import { checkedModules } from '../support/findings.ts';
import { PROJECT } from '../support/project.ts';
import { Harness, harness } from '../support/unit-harness.ts';
import { judge, prepare, type Verdict } from './judge.ts';
import { matrix } from './matrix.ts';
import { streamTables } from './stream-tables.ts';
import { worlds } from './worlds.ts';

/** The target smmu-core of asconfig.json, for compile time. */
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

interface Comparison {
  readonly keys: ReadonlySet<string>;
  readonly differences: readonly string[];
  /** Points by the event that they end with, -1 for a translation. */
  readonly outcomes: ReadonlyMap<number, number>;
}

function* allPoints() {
  yield* worlds();
  yield* matrix();
}

/** @param enough differences after which it ends. */
function compare(h: Harness, enough: number): Comparison {
  prepare(h);
  const keys = new Set<string>();
  const differences: string[] = [];
  const outcomes = new Map<number, number>();
  const note = (key: string, { event, difference }: Verdict) => {
    expect(keys.has(key), key).toBe(false);
    keys.add(key);
    outcomes.set(event, (outcomes.get(event) ?? 0) + 1);
    if (difference) differences.push(`${key}: ${difference}`);
  };
  for (const { key, scenario, access } of allPoints()) {
    if (differences.length >= enough) break;
    note(key, judge(h, scenario(), access));
  }
  for (const { key, scenario, table } of streamTables()) note(key, judge(h, scenario(), {}, table));
  return { keys, differences, outcomes };
}

describe('the reference walker', () => {
  it('agrees with the core on at least 1,500 distinct points', { timeout: 240_000 }, async () => {
    const { keys, differences, outcomes } = compare(await harness(), 20);
    const events = [...outcomes]
      .filter(([event]) => event > 0)
      .map(([event, count]) => `0x${event.toString(16)}: ${count}`);
    console.info(
      `reference walker: ${keys.size} distinct points, ${outcomes.get(-1) ?? 0} translated, by event ${events.sort().join(', ')}`,
    );
    expect(differences).toEqual([]);
    expect(keys.size).toBeGreaterThanOrEqual(1500);
    // Every event that a configuration or a table can cause.
    expect([...outcomes.keys()].sort((a, b) => a - b)).toEqual([
      -1, 0, 2, 3, 4, 6, 8, 9, 10, 11, 0x10, 0x11, 0x12, 0x13,
    ]);
  });
});

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
