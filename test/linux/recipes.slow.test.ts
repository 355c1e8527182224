// SPDX-License-Identifier: MIT
// The recipes of docs/linux.md, with the commands and the output on the page. The one
// with GDB has a check of its own (scripts/check-gdb.mjs).

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { builtFile } from '../../cli/built-kernel.ts';
import { type Block, readPage } from '../support/doc-page.ts';
import { kernelWithout } from '../support/linux-kernel.ts';
import { PROJECT } from '../support/project.ts';

const MAIN = join(PROJECT, 'dist/cli/main.js');
const BUILT = dirname(builtFile('Image'));

const blocks = await readPage('docs/linux.md');

/** The command line of a recipe, and the block after it. */
function recipe(part: string): { readonly command: string; readonly next: Block | undefined } {
  const at = blocks.findLastIndex(({ text }) => text.includes(part));
  expect(at, part).toBeGreaterThan(0);
  const lines = blocks[at]?.text.replaceAll('\\\n', '').split('\n') ?? [];
  const command = lines.find((line) => line.startsWith('npx vsmmu')) ?? '';
  return { command, next: blocks[at + 1] };
}

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line of the page in a shell, in a folder. */
function shell(command: string, folder: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const line = command.replace(/^npx vsmmu/, `"${process.execPath}" "${MAIN}"`);
    const child = spawn('bash', ['-c', line], { cwd: folder });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    child.on('error', reject).on('close', (status) => resolve({ status, ...output }));
  });
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'vsmmu-recipe-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Each line of a block occurs, after the previous one; "…" matches anything. */
function expectLines({ stdout }: Outcome, lines: readonly string[]): void {
  let rest = stdout;
  for (const line of lines.filter((one) => one !== '')) {
    for (const piece of line.split('…').map((one) => one.trim())) {
      const at = rest.indexOf(piece);
      if (at < 0) expect(rest).toContain(piece);
      rest = rest.slice(at + piece.length);
    }
  }
}

test('provoke an error of a VCMDQ, and watch the interrupt handler', () =>
  inFolder(async (folder) => {
    const { command, next } = recipe("boot linux --run 'bad-command 0; bench 1 20 1; state'");
    const outcome = await shell(command, folder);
    expect(outcome.status).toBe(0);
    expectLines(outcome, next?.text.split('\n') ?? ['no output on the page']);
    expect(outcome.stdout).toMatch(/^taint 0$/m);
  }));

test('find a missing invalidation', () =>
  inFolder(async (folder) => {
    const { command, next } = recipe('--check --append loglevel=3 --run');
    const sound = await shell(command, folder);
    expect(sound.status).toBe(0);
    expect(sound.stdout).toMatch(/^ *ok {4}sanitizer: no forgotten invalidation/m);
    const image = join(folder, 'Image');
    await writeFile(image, kernelWithout('arm_smmu_iotlb_sync').kernel);
    const options = ` --kernel ${image} --initrd ${join(BUILT, 'initramfs.cpio')}`;
    const faulty = await shell(`${command}${options}`, folder);
    expect(faulty.status).toBe(1);
    // Numbers of hits and the page's address depend on the build.
    const lines = (next?.text ?? '').replace(/\d+ hits compared/, '… hits compared');
    expectLines(faulty, lines.replace(/to 0x[0-9a-f]+ rwx/, 'to … rwx').split('\n'));
  }));

test('start another kernel, with the files on disks', () =>
  inFolder(async (folder) => {
    const at = blocks.findLastIndex(({ text }) => text.includes('kexec /Image'));
    const lines = blocks[at]?.text.replaceAll('~/.cache/vsmmu-linux/built/linux', BUILT) ?? '';
    const command = `"${process.execPath}" "${MAIN}"`;
    const outcome = await shell(lines.replace('npx vsmmu', command), folder);
    expect(outcome.status).toBe(0);
    expectLines(outcome, blocks[at + 1]?.text.split('\n') ?? ['no output on the page']);
  }));

test('have the commands of a run fail', () =>
  inFolder(async (folder) => {
    const { command, next } = recipe("--run 'bench 1 20 1 && false'");
    const outcome = await shell(command, folder);
    expect([outcome.status, outcome.stdout.trim()]).toEqual([1, next?.text.trim()]);
  }));

test('a program that owns a VCMDQ says in a guest what it lacks', () =>
  inFolder(async (folder) => {
    const { command } = recipe('own-vcmdq /dev/vfio/devices/vfio0');
    const outcome = await shell(command.replace('--role host ', ''), folder);
    expect(outcome.status).toBe(1);
    expect(outcome.stdout).toContain(
      'own-vcmdq: cannot perform HWPT_ALLOC of the nest parent: not supported (errno 95): the SMMU of a guest has no stage 2: boot with --role host',
    );
  }));

test('test a change to the driver: exit status and report', () =>
  inFolder(async (folder) => {
    const { command } = recipe('--check --json --timeout 60');
    const { status } = await shell(
      command.replaceAll('~/.cache/vsmmu-linux/built/mine', BUILT),
      folder,
    );
    expect(status).toBe(0);
    const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));
    expect(report).toMatchObject({ ok: true });
    expect(JSON.stringify(report)).toContain('"exits"');
  }));
