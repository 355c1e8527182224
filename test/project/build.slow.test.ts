// SPDX-License-Identifier: MIT
// Which outputs the build considers stale, on small trees of its own, and its import
// closures against what the compiler reads.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildDist, distOf, isDistStale } from '../../scripts/build-dist.mjs';
import { compileModules, ENTRIES, staleModules, wasmModules } from '../../scripts/build-wasm.mjs';
import { importClosure, treeReader } from '../../scripts/wasm-inputs.mjs';
import { PROJECT } from '../support/project.ts';

type Files = Readonly<Record<string, string>>;

async function newTree(files: Files): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'vsmmu-build-'));
  await symlink(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
  await write(root, files);
  return root;
}

async function write(root: string, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

describe('a WebAssembly module', () => {
  const CONFIG = {
    options: { runtime: 'stub', optimizeLevel: 1 },
    targets: { adder: { outFile: 'out/adder.wasm' }, other: { outFile: 'out/other.wasm' } },
  };
  const DEEP = 'export const STEP = 2;\n';
  const SOURCES: Files = {
    'asconfig.json': JSON.stringify(CONFIG),
    'src/adder.ts':
      "import {\n  step,\n} from './lib';\nexport function add(a: i32): i32 {\n  return a + step();\n}\n",
    'src/lib/index.ts': "export * from './step';\n",
    'src/lib/step.ts':
      "import { STEP } from '../deep';\nexport function step(): i32 {\n  return STEP;\n}\n",
    'src/deep.ts': DEEP,
    'src/unused.ts': 'export const UNUSED = 1;\n',
  };
  let root: string;
  const ENTRY = { adder: 'src/adder.ts' };
  const modules = () => wasmModules(root, { entries: ENTRY });
  const stale = () => staleModules(root, modules()).map(({ name }) => name);
  const build = () => compileModules(root, staleModules(root, modules()));
  const added = async () => {
    const { instance } = await WebAssembly.instantiate(
      await readFile(join(root, 'out/adder.wasm')),
    );
    return (instance.exports.add as (a: number) => number)(40);
  };

  beforeAll(async () => {
    root = await newTree(SOURCES);
    expect(stale()).toEqual(['adder']);
    await build();
    expect(await added()).toBe(42);
  });
  afterAll(() => rm(root, { recursive: true }));

  it('that is built is not stale', async () => {
    expect(stale()).toEqual([]);
    await utimes(join(root, 'src/deep.ts'), new Date(), new Date());
    expect(stale(), 'a file with the same contents').toEqual([]);
  });

  it('is not stale when a file changes that it does not import, or the options of another', async () => {
    const targets = { ...CONFIG.targets, other: { outFile: 'out/other.wasm', shrinkLevel: 2 } };
    await write(root, {
      'src/unused.ts': 'export const UNUSED = 2;\n',
      'asconfig.json': JSON.stringify({ ...CONFIG, targets }),
    });
    expect(stale()).toEqual([]);
  });

  it.each<readonly [string, Files]>([
    ['a file that it imports in three steps', { 'src/deep.ts': 'export const STEP = 3;\n' }],
    ['a re-export', { 'src/lib/index.ts': "export { step } from './step';\n" }],
    [
      'a file that takes precedence over a folder',
      { 'src/lib.ts': SOURCES['src/lib/step.ts'] ?? '' },
    ],
    ['an option', { 'asconfig.json': JSON.stringify({ ...CONFIG, options: { runtime: 'stub' } }) }],
    ['its output', { 'out/adder.wasm': '' }],
  ])('is stale after a change of %s', async (_, changed) => {
    const before = new Map<string, string | Buffer>();
    for (const name of Object.keys(changed))
      before.set(name, SOURCES[name] ?? (await readFile(join(root, name)).catch(() => '')));
    await write(root, changed);
    expect(stale()).toEqual(['adder']);
    for (const [name, text] of before) {
      if (text === '') await rm(join(root, name));
      else await writeFile(join(root, name), text);
    }
    expect(stale()).toEqual([]);
  });

  it('is stale when a file is missing, and the build names it', async () => {
    await rm(join(root, 'src/deep.ts'));
    expect(stale()).toEqual(['adder']);
    const output = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await expect(build()).rejects.toThrow('asc could not compile src/adder.ts');
    expect(output.mock.calls.join()).toContain("File 'src/deep.ts' not found");
    output.mockRestore();
    expect(stale(), 'after the failure').toEqual(['adder']);
    await write(root, { 'src/deep.ts': DEEP });
    expect(stale()).toEqual([]);
  });

  it('has a bug that is planted in its sources', async () => {
    await write(root, { 'src/deep.ts': 'export const STEP = 1;\n' });
    await build();
    expect(await added()).toBe(41);
    expect(stale()).toEqual([]);
  });

  it('has names and source maps in dist-debug/, where a trap names its function', async () => {
    await write(root, {
      'src/deep.ts': 'export const STEP = 1;\n',
      'src/lib/step.ts':
        "import { STEP } from '../deep';\nfunction trap(): i32 {\n  unreachable();\n  return STEP;\n}\nexport function step(): i32 {\n  return trap();\n}\n",
    });
    await build();
    const release = await readFile(join(root, 'out/adder.wasm'));
    const debug = wasmModules(root, { debug: true, entries: ENTRY });
    await compileModules(root, staleModules(root, debug));
    expect(staleModules(root, debug)).toEqual([]);
    expect(await readFile(join(root, 'out/adder.wasm')), 'the release module').toEqual(release);
    const stackOf = async (module: Uint8Array<ArrayBuffer>) => {
      const { instance } = await WebAssembly.instantiate(module);
      const add = instance.exports.add as () => number;
      try {
        return `it came back with ${add()}`;
      } catch (error) {
        return (error as WebAssembly.RuntimeError).stack;
      }
    };
    const named = await stackOf(await readFile(join(root, 'dist-debug/out/adder.wasm')));
    expect(named).toMatch(
      /unreachable\n.* src\/lib\/step\/trap .*\n.* src\/lib\/step\/step .*\n.* src\/adder\/add /,
    );
    expect(await stackOf(release)).not.toContain('src/lib');
    const map = JSON.parse(await readFile(join(root, 'dist-debug/out/adder.wasm.map'), 'utf8'));
    expect((map as { sources: string[] }).sources).toContain('src/lib/step.ts');
  });

  it('imports no packages', async () => {
    await write(root, { 'src/deep.ts': `import 'package';\n${DEEP}` });
    expect(modules).toThrow("src/deep.ts imports 'package', which is not a file of this tree");
  });
});

it('the import closure of each module is what the compiler reads', async () => {
  const entries = [...new Set(Object.values(ENTRIES))];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(PROJECT, 'test/support/read-by-compiler.mjs'), ...entries],
    { cwd: PROJECT },
  );
  const read = JSON.parse(stdout) as Record<string, string[]>;
  for (const entry of entries) {
    const closure = importClosure(treeReader(PROJECT), entry);
    expect(closure.toSorted(), entry).toEqual(read[entry]?.toSorted());
    expect(closure.length, entry).toBeGreaterThan(1);
  }
});

describe('dist/', () => {
  const SOURCES: Files = {
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        target: 'ES2023',
        module: 'nodenext',
        types: [],
        rootDir: '.',
        outDir: 'dist',
        declaration: true,
        rewriteRelativeImportExtensions: true,
      },
      include: ['cli/*.ts', 'vmm/**/*.ts'],
    }),
    'package.json': JSON.stringify({ type: 'module' }),
    'cli/main.ts':
      "import { answer } from '../vmm/deep/answer.ts';\nexport const shown: number = answer;\n",
    'vmm/deep/answer.ts': 'export const answer = 42;\n',
    'out.wasm': 'a module',
  };
  let root: string;
  const stale = () => isDistStale(root, distOf(root, ['out.wasm']));
  const build = (lenient = false) => buildDist(root, distOf(root, ['out.wasm']), lenient);
  const built = (name: string) => readFile(join(root, 'dist', name), 'utf8');

  beforeAll(async () => {
    root = await newTree(SOURCES);
    expect(stale()).toBe(true);
    await build();
  });
  afterAll(() => rm(root, { recursive: true }));

  it('that is built is not stale', async () => {
    expect(stale()).toBe(false);
    expect(await built('vmm/deep/answer.js')).toContain('42');
    expect(await built('out.wasm')).toBe('a module');
  });

  it('is built again after a change of a source', async () => {
    await write(root, { 'vmm/deep/answer.ts': 'export const answer = 43;\n' });
    expect(stale()).toBe(true);
    await build();
    expect(stale()).toBe(false);
    expect(await built('vmm/deep/answer.js')).toContain('43');
  });

  it('is complete again when a part of it is missing or overwritten, and has nothing else', async () => {
    await rm(join(root, 'dist/vmm/deep/answer.js'));
    await write(root, { 'dist/cli/main.js': 'else', 'dist/vmm/left-over.js': '' });
    expect(stale()).toBe(true);
    await build();
    expect(await built('vmm/deep/answer.js')).toContain('43');
    expect(await built('cli/main.js')).toContain('shown = answer');
    await expect(built('vmm/left-over.js')).rejects.toThrow('ENOENT');
  });

  it('loses what a removed source made', async () => {
    await write(root, { 'vmm/gone.ts': 'export const gone = 1;\n' });
    await build();
    expect(await built('vmm/gone.js')).toContain('gone');
    await rm(join(root, 'vmm/gone.ts'));
    expect(stale()).toBe(true);
    await build();
    await expect(built('vmm/gone.js')).rejects.toThrow('ENOENT');
  });

  it('has the modules as they are', async () => {
    await write(root, { 'out.wasm': 'another module' });
    expect(stale()).toBe(true);
    await build();
    expect(await built('out.wasm')).toBe('another module');
    expect(stale()).toBe(false);
  });

  it('is not built from sources with type errors, except for tests', async () => {
    const wrong = "export const answer: number = 'text';\n";
    await write(root, { 'vmm/deep/answer.ts': wrong });
    const output = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await expect(build()).rejects.toThrow('tsc found type errors');
    expect(await built('vmm/deep/answer.js')).toContain('43');
    await build(true);
    expect(await built('vmm/deep/answer.js')).toContain('text');
    expect(stale(), 'a build of wrong sources').toBe(true);
    await expect(build()).rejects.toThrow('tsc found type errors');
    expect(output.mock.calls.join()).toContain("Type 'string' is not assignable to type 'number'");
    output.mockRestore();
    await write(root, { 'vmm/deep/answer.ts': 'export const answer = 44;\n' });
    await build();
    expect(await built('vmm/deep/answer.js')).toContain('44');
    expect(stale()).toBe(false);
  });

  it('is made of the files that tsconfig.json includes, and of no others', async () => {
    await write(root, {
      'elsewhere/one.ts': 'export const one = 1;\n',
      'vmm/deep/answer.ts': "export { one as answer } from '../../elsewhere/one.ts';\n",
    });
    await expect(build()).rejects.toThrow('tsconfig.json does not include elsewhere/one.ts');
  });
});
