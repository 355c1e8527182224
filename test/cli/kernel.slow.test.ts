// SPDX-License-Identifier: MIT
// `vsmmu boot --arch arm64`, with small programs for kernels.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../cli/report.ts';
import { vsmmu, vsmmuProcess } from '../support/vsmmu-command.ts';
import {
  AWAITS_INPUT,
  BUSY,
  ECHO,
  HELLO,
  IDLE,
  PANIC,
  semihosted,
  testdev,
} from '../vmm/boards/virt/virt-programs.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const MACHINE = ['--arch', 'arm64', '--memory', '16'];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-kernel-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe('vsmmu boot --arch arm64', { timeout: 60_000 }, () => {
  it('boots a kernel until it powers off', async () => {
    const kernel = await file('hello.bin', HELLO);
    const { status, stdout } = await vsmmuProcess('boot', kernel, ...MACHINE);
    expect(stdout).toMatch(/^hello\n\nReport\n {2}ok +vm0 ran to its end\n/);
    expect(status).toBe(0);
  });

  it('boots one that is packed, and reports in JSON', async () => {
    const kernel = await file('hello.gz', gzipSync(HELLO));
    const { status, stdout, stderr } = await vsmmu('boot', kernel, ...MACHINE, '--json');
    expect([status, stderr]).toEqual([0, 'hello\n']);
    expect((JSON.parse(stdout) as Report).exits.byRegister['pl011.UARTDR']).toBe(6);
  });

  it.each(['inline', 'mailbox'])('stops one that panics, and says why: %s', async (transport) => {
    const kernel = await file(`panic-${transport}.bin`, PANIC);
    const options = [...MACHINE, '--transport', transport, '--json'];
    const { status, stdout } = await vsmmu('boot', kernel, ...options);
    expect(status).toBe(1);
    expect((JSON.parse(stdout) as Report).checks).toEqual([
      { name: 'vm0 ran to its end', ok: false, detail: 'Kernel panic - not syncing: no root' },
    ]);
  });

  it.each([
    ['all vCPUs sleep', IDLE, 'inline'],
    ['all vCPUs sleep, on threads', IDLE, 'mailbox'],
  ])('ends one that nothing can wake: %s', async (name, program, transport) => {
    // As a process, because its input stays open: it is not what the guest could wait for.
    const kernel = await file(`${name}.bin`, program);
    const options = [...MACHINE, '--transport', transport, '--json'];
    const { status, stdout } = await vsmmuProcess('boot', kernel, ...options);
    expect(status).toBe(1);
    expect((JSON.parse(stdout) as Report).checks).toEqual([
      {
        name: 'vm0 ran to its end',
        ok: false,
        detail: expect.stringMatching(/^all vCPUs wait for an interrupt that cannot come/),
      },
    ]);
  });

  it.each([
    ['--semihosting', 0, '', semihosted(0x20, 0x20026, 0)],
    ['--semihosting', 7, 'exit code 7', semihosted(0x20, 0x20026, 7)],
    ['--testdev', 0, '', testdev('0q')],
    ['--testdev', 1, 'exit code 1', testdev('1q')],
  ])('ends one that asks for it by %s, with %i', async (option, code, detail, program) => {
    const kernel = await file(`ends${option}-${code}.bin`, program);
    const { status, stdout } = await vsmmu('boot', kernel, ...MACHINE, option, '--json');
    expect(status).toBe(code === 0 ? 0 : 1);
    expect((JSON.parse(stdout) as Report).checks).toEqual([
      { name: 'vm0 ran to its end', ok: code === 0, detail },
    ]);
  });

  it('ends one that never ends', async () => {
    const kernel = await file('busy.bin', BUSY);
    const { status, stdout } = await vsmmuProcess('boot', kernel, ...MACHINE, '--timeout', '1');
    expect(status).toBe(1);
    expect(stdout).toContain('it did not end within 1 s');
  });

  it.each([
    ['polls', ECHO, 'a', /^0 b/],
    ['sleeps', AWAITS_INPUT, 'a', /^0 a/],
    ['sleeps until that ends', AWAITS_INPUT, '', /^1 .*all vCPUs wait for an interrupt/s],
  ])('gives it standard input: one that %s', async (name, program, input, expected) => {
    const kernel = await file(`${name}.bin`, program);
    const child = spawn(process.execPath, [MAIN, 'boot', kernel, ...MACHINE]);
    const output = new Promise<string>((resolve) => {
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      child.on('close', (status) => resolve(`${status} ${text}`));
    });
    setTimeout(() => child.stdin.end(input), 500);
    expect(await output).toMatch(expected);
  });

  it.each([
    [['--memory', '3'], '--memory must be a multiple of 2 MiB, at most 3072 MiB, not 3 MiB'],
    [['--append', 'x'.repeat(2048)], 'the command line has 2048 bytes: a kernel takes 2047'],
  ])('refuses what a machine cannot be, %#', async (args, message) => {
    const kernel = await file('refused.bin', HELLO);
    const { status, stderr } = await vsmmu('boot', kernel, '--arch', 'arm64', ...args);
    expect([status, stderr.trimEnd()]).toEqual([2, `vsmmu: ${message}`]);
  });
});
