// SPDX-License-Identifier: MIT
// docs/bundlers.md: its table of files, compared with the built ones, and its server.
// scripts/check-bundlers.mjs runs the bundlers.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf } from '../../scripts/doc-blocks.mjs';
import { PROJECT } from '../support/project.ts';

const page = await readFile(join(PROJECT, 'docs/bundlers.md'), 'utf8');
/** Only the guests that the package lists in `exports`. */
const GUESTS = ['toy.wasm', 'secondary.wasm'];

/** Size of each module with the import name `vsmmu/wasm/…`. */
async function moduleSizes(): Promise<Map<string, number>> {
  const modules = (await readdir(join(PROJECT, 'dist/assembly'))).filter((name) =>
    name.endsWith('.wasm'),
  );
  const paths = [
    ...modules.map((name) => join('dist/assembly', name)),
    ...GUESTS.map((name) => join('dist/guest-driver', name)),
  ];
  const sizes = await Promise.all(
    paths.map(async (path) => (await stat(join(PROJECT, path))).size),
  );
  return new Map([...modules, ...GUESTS].map((name, i) => [name, sizes[i] ?? 0]));
}

describe('docs/bundlers.md', () => {
  it('has each WebAssembly module, and its size within 10 %', async () => {
    const rows = [...page.matchAll(/^\| `([\w-]+\.wasm)` .*\| (\d+) KB +\|$/gm)];
    const sizes = await moduleSizes();
    expect(rows.map(([, name]) => name).sort()).toEqual([...sizes.keys()].sort());
    for (const [, name = '', shown] of rows) {
      const size = sizes.get(name) ?? 0;
      // A rounded number of KB is off by half of one at most.
      const off = Math.max(0, Math.abs(Number(shown) * 1024 - size) - 512);
      expect(off / size, `${name}: ${shown} KB, ${size} bytes`).toBeLessThan(0.1);
    }
  });

  it('has a server that sends the two headers', async () => {
    const blocks = blocksOf(page);
    const source = blocks.find(({ info }) => info === 'serve.mjs')?.text ?? '';
    const shown =
      blocks
        .find(({ info }) => info === 'headers')
        ?.text.trim()
        .split('\n') ?? [];
    const folder = await mkdtemp(join(tmpdir(), 'vsmmu-serve-'));
    await mkdir(join(folder, 'dist'));
    await writeFile(join(folder, 'serve.mjs'), source);
    await writeFile(join(folder, 'dist/index.html'), '<!doctype html>');
    await writeFile(join(folder, 'dist/a.wasm'), 'module');
    const server = spawn(process.execPath, ['serve.mjs', '0'], { cwd: folder });
    try {
      const [line] = (await once(server.stdout, 'data')) as [Buffer];
      const url = line.toString().trim();
      const get = async (path: string) => {
        const answer = await fetch(new URL(path, url));
        for (const header of shown) {
          const [name = '', value] = header.split(': ');
          expect(answer.headers.get(name), name).toBe(value);
        }
        const type = answer.headers.get('content-type');
        return { status: answer.status, type, text: await answer.text() };
      };
      expect(shown).toHaveLength(2);
      expect(await get('/')).toEqual({ status: 200, type: 'text/html', text: '<!doctype html>' });
      expect(await get('/a.wasm')).toMatchObject({ type: 'application/wasm', text: 'module' });
      expect(await get('/none.js')).toMatchObject({ status: 404 });
      expect(await get('/%2e%2e/serve.mjs')).toMatchObject({ status: 404 });
    } finally {
      server.kill();
      await rm(folder, { recursive: true });
    }
  });
});
