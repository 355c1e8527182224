// SPDX-License-Identifier: MIT
// A page of the documentation as a scenario: its files are written, its commands run, and
// their output must match the page.
//
// ```js name.mjs  is a file; ```sh is a command line for each line; ```text after it has
// lines that its output contains, in order. ```sh with a word after it is for people, or
// for another check (CHECKED_ELSEWHERE).

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { type Block, blocksOf } from '../../scripts/doc-blocks.mjs';
import { PROJECT } from './project.ts';

export { type Block, blocksOf };

/**
 * Installing needs the network, the tests run in a checkout, clang and gdb have checks of
 * their own (scripts/check-c-guest.mjs, check-gdb.mjs).
 */
const CHECKED_ELSEWHERE = ['install', 'checkout', 'clang', 'gdb'];

export async function readPage(name: string): Promise<Block[]> {
  return blocksOf(await readFile(join(PROJECT, name), 'utf8'));
}

/** A folder with the package installed, as by `npm install`. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-page-'));
  const bin = join(folder, 'node_modules/.bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await symlink(PROJECT, join(folder, 'node_modules/vsmmu'));
  await symlink(join(PROJECT, 'dist/cli/main.js'), join(bin, 'vsmmu'));
  for (const [tool, program] of [
    ['asc', 'assemblyscript/bin/asc.js'],
    ['wasm-as', 'binaryen/bin/wasm-as'],
  ] as const) {
    await symlink(join(PROJECT, 'node_modules', program), join(bin, tool));
  }
  return folder;
}

/**
 * npx finds commands that are installed in the folder, which takes longer than the
 * command itself.
 */
const NPX = 'npx() { "$@"; }';

function shell(
  script: string,
  cwd: string,
  realNpx: boolean,
): Promise<{ status: number | null; output: string }> {
  const PATH = `${join(cwd, 'node_modules/.bin')}:${process.env.PATH}`;
  const text = realNpx ? script : `${NPX}\n${script}`;
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-euo', 'pipefail', '-c', text], {
      cwd,
      env: { ...process.env, ...(realNpx ? {} : { PATH }), NO_COLOR: '1' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

const squeezed = (text: string) => text.replace(/[ \t]+/g, ' ');

/** Checks that `output` has the lines in this order, with any others in between. */
export function expectLines(output: string, lines: string): void {
  let rest = squeezed(output);
  for (const line of squeezed(lines).split('\n')) {
    const wanted = line.trim();
    const at = rest.indexOf(wanted);
    expect(at, `"${wanted}" in\n${rest}`).toBeGreaterThanOrEqual(0);
    rest = rest.slice(at + wanted.length);
  }
}

/**
 * Runs a page from beginning to end.
 * @param realNpx npx itself runs the page's npx commands, not the shell.
 * @returns the number of command blocks that were run.
 */
export async function runPage(blocks: readonly Block[], realNpx = false): Promise<number> {
  const folder = await newFolder();
  let output: string | undefined;
  let ran = 0;
  try {
    for (const { language, info, text } of blocks) {
      if (language === 'text') {
        expect(output, 'a text block follows a command').toBeDefined();
        expectLines(output ?? '', text);
      } else if (language === 'sh') {
        if (info !== '') {
          expect(CHECKED_ELSEWHERE).toContain(info);
          output = info;
          continue;
        }
        const outcome = await shell(text, folder, realNpx);
        expect(outcome.status, outcome.output).toBe(0);
        ({ output } = outcome);
        ran++;
      } else if (info !== '') {
        await mkdir(dirname(join(folder, info)), { recursive: true });
        await writeFile(join(folder, info), text);
      } else {
        expect(language, 'a block of code names its file').toBe('');
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return ran;
}
