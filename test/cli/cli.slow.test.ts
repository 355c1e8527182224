// SPDX-License-Identifier: MIT
// The command as started by a user: the built program, and its reports.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ABI_AT_DEVICE_COUNT,
  ABI_AT_DEVICES,
  ABI_AT_IRQ_EDGE,
  ABI_AT_RAM_GPA_BASE,
} from '../../assembly/layout/guest-abi.ts';
import type { Report } from '../../cli/report.ts';
import { PROJECT } from '../support/project.ts';
import { vsmmu, vsmmuProcess } from '../support/vsmmu-command.ts';
import { assemble, IMPORT_READ32, IMPORT_WRITE32, reactor } from '../support/wat.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** No warm-up rounds: these tests do not depend on any duration. */
const COLD = ['--arg', 'warmup=0'];

describe('vsmmu boot toy', { timeout: 120_000 }, () => {
  it('streams the console, reports, and ends with 0', async () => {
    const { status, stdout, stderr, pieces } = await vsmmuProcess('boot', 'toy');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\[vm0\] \[ 1\]/);
    expect(stdout).toContain('UART up, machine 0');
    expect(stdout).toMatch(/ok +0 exits during direct-path batches/);
    expect(stdout).toMatch(/Checks +(\d+) of \1 hold\n$/);
    expect(stdout).toMatch(/direct +doorbell +inline +64 .* 0\.00 /);
    expect(stdout).not.toContain('FAIL');
    expect(pieces).toBeGreaterThan(3);
  });

  it('prints one JSON object with --json, and the consoles separately', async () => {
    const { status, stdout, stderr } = await vsmmuProcess(
      ...['boot', 'toy', '--vms', '2', '--json', ...COLD],
    );
    expect(status).toBe(0);
    expect(stderr.split('\n').every((line) => line === '' || /^\[vm[01]\] /.test(line))).toBe(true);
    expect(stderr).toContain('[vm1] vsmmu toy guest: UART up, machine 1\n');
    const report = JSON.parse(stdout) as Report;
    expect(stdout.trimEnd()).not.toContain('\n');
    expect(Object.keys(report)).toEqual([
      'formatVersion',
      'ok',
      'checks',
      'exits',
      'vcmdq',
      'paths',
      'ways',
      'drain',
    ]);
    expect(report.ok).toBe(true);
    for (const check of report.checks)
      expect(check).toEqual({ name: expect.any(String), ok: true, detail: expect.any(String) });
    const names = report.checks.map(({ name }) => name);
    expect(names).toContain('vm1: event-record');
    expect(names).toContain('vm0: attack-vmid-fields');
    expect(names).toContain('arm64: event-record');
    expect(names).toContain('0 exits during arm64-path batches');
    expect(names).toContain('at least 2 exits in each arm64-trapped-path batch');
    for (const kind of ['IOTLB entries', 'queues and contexts', 'guest memory']) {
      for (const victim of ['vm0', 'vm1'])
        expect(names).toContain(`isolation: ${kind}: ${victim} lost nothing`);
    }
    const { exits, vcmdq, paths } = report;
    const sum = (counts: Readonly<Record<string, number>>) =>
      Object.values(counts).reduce((a, b) => a + b, 0);
    expect(Object.keys(exits)).toEqual(['total', 'duringInvalidation', 'byKind', 'byRegister']);
    expect(exits.total).toBe(sum(exits.byKind));
    expect(exits.byKind.mmio).toBe(sum(exits.byRegister));
    expect(exits.byRegister['smmuv3.CMDQ_PROD']).toBeGreaterThan(100);
    expect(vcmdq).toEqual({
      queues: 10,
      commands: expect.any(Number),
      syncs: expect.any(Number),
      doorbellCalls: expect.any(Number),
    });
    expect(vcmdq.commands).toBeGreaterThan(vcmdq.syncs);
    expect(paths.map(({ path, batch }) => `${path} ${batch}`)).toEqual([
      'direct 1',
      'direct 16',
      'direct 64',
      'trapped 1',
      'trapped 16',
      'trapped 64',
      'arm64 1',
      'arm64 16',
      'arm64 64',
      'arm64-trapped 1',
      'arm64-trapped 16',
      'arm64-trapped 64',
      'ecmdq 1',
      'ecmdq 16',
      'ecmdq 64',
      'overlay 1',
      'overlay 16',
      'overlay 64',
    ]);
    for (const row of paths) {
      expect(Object.keys(row)).toEqual([
        'path',
        'drain',
        'transport',
        'batch',
        'p50Ns',
        'p99Ns',
        'exitsPerBatch',
        'vcpus',
      ]);
      expect(row.p50Ns).toBeGreaterThan(0);
      expect(row.p99Ns).toBeGreaterThanOrEqual(row.p50Ns);
      const isTrapped = row.path === 'trapped' || row.path === 'arm64-trapped';
      expect(row.exitsPerBatch).toBe(isTrapped ? 2 : 0);
      expect([row.drain, row.transport]).toEqual([isTrapped ? 'exit' : 'doorbell', 'inline']);
    }
  });

  it('measures only the requested path', async () => {
    for (const path of ['direct', 'trapped', 'overlay']) {
      const { status, stdout } = await vsmmu('boot', 'toy', '--path', path, '--json', ...COLD);
      expect(status).toBe(0);
      const report = JSON.parse(stdout) as Report;
      expect(new Set(report.paths.map((row) => row.path))).toEqual(new Set([path]));
      expect(report.vcmdq.commands > 0).toBe(path === 'direct');
    }
  });

  it.each([
    ['--no-direct-maps', 'trapped'],
    ['--overlay', 'overlay'],
  ])('takes the one path that %s leaves', async (flag, only) => {
    const { status, stdout } = await vsmmu('boot', 'toy', flag, '--json', ...COLD);
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(new Set(report.paths.map(({ path }) => path))).toEqual(new Set([only]));
    expect(report.vcmdq.commands).toBe(0);
    // The trapped path exits for each batch, the overlay for none.
    for (const { exitsPerBatch } of report.paths)
      expect(exitsPerBatch > 0).toBe(only === 'trapped');
  });

  it('uses the CMDQ on a machine without a CMDQV, although its driver probes for one', async () => {
    const { status, stdout } = await vsmmu(
      'boot',
      'toy',
      '--path',
      'direct',
      '--overlay',
      '--json',
      ...COLD,
    );
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect(report.checks).toContainEqual({
      name: 'vm1: probe-cmdqv',
      ok: true,
      detail: 'no CMDQV: invalidations go through the CMDQ',
    });
    expect(new Set(report.paths.map(({ path }) => path))).toEqual(new Set(['overlay']));
    expect([report.vcmdq.queues, report.ways.map(({ path }) => path)]).toEqual([0, ['overlay']]);
  });

  it('reports bad commands, or applies the requested policy', async () => {
    const one = ['boot', 'toy', '--path', 'direct', '--vms', '1', '--quiet', ...COLD];
    const run = (decision: string) => vsmmu(...one, '--on-queue-error', decision);
    expect((await run('report')).status).toBe(0);
    // The toy sends CFGI_ALL on a VCMDQ and expects to see an error.
    for (const hidden of ['skip', 'emulate']) {
      const { status, stdout } = await run(hidden);
      expect(status).toBe(1);
      expect(stdout).toContain(
        'FAIL  illegal-command: CFGI_ALL on the VCMDQ: no error was reported\n',
      );
      expect(stdout).toContain('FAIL  illegal-command-recovery: no error to acknowledge\n');
    }
    const { status, stdout } = await run('stop');
    expect(status).toBe(1);
    expect(stdout).toContain('vm0 ran to its end: a command on VCMDQ 0 was refused');
  });

  it('has ECMDQs instead of VCMDQs on request, and compares them', async () => {
    const ecmdq = ['boot', 'toy', '--queues', 'ecmdq', '--json', ...COLD];
    const direct = await vsmmu(...ecmdq, '--path', 'direct');
    expect(direct.status).toBe(0);
    const report = JSON.parse(direct.stdout) as Report;
    expect(new Set(report.paths.map(({ path }) => path))).toEqual(new Set(['ecmdq']));
    expect(report.ways.map(({ path }) => path)).toEqual(['ecmdq', 'trapped']);
    expect([report.vcmdq.queues, report.exits.byRegister['cmdqv.CONFIG']]).toEqual([8, undefined]);
    expect(report.checks.filter(({ name }) => name.startsWith('isolation')).length).toBe(6);
    const { stdout } = await vsmmu(...ecmdq, '--vms', '1');
    const paths = new Set((JSON.parse(stdout) as Report).paths.map(({ path }) => path));
    expect(paths).toEqual(
      new Set(['ecmdq', 'trapped', 'direct', 'overlay', 'arm64', 'arm64-trapped']),
    );
  });
});

describe('vsmmu boot FILE.wasm', { timeout: 120_000 }, () => {
  it('runs another guest, and fails with it', async () => {
    const good = await file(
      'good.wasm',
      reactor('(func $run (param i32) (result i32) (i32.const 2))'),
    );
    const trapping = await file(
      'trapping.wasm',
      reactor('(func $run (param i32) (result i32) unreachable)'),
    );
    expect(await vsmmu('boot', good)).toMatchObject({ status: 0, stderr: '' });
    const { status, stdout } = await vsmmuProcess('boot', trapping, '--json');
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      checks: [{ name: 'vm0 ran to its end', ok: false, detail: 'guest vCPU 0: unreachable' }],
    });
  });

  it('ends with 1 when the program ends with another code than 0', async () => {
    const text = `(module (import "env" "memory" (memory 32 32 shared))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (func $start (call $exit (i32.const 3))) (export "memory" (memory 0)) (export "_start" (func $start)))`;
    const { status, stdout } = await vsmmu('boot', await file('three.wasm', assemble(text)));
    expect(status).toBe(1);
    expect(stdout).toContain('FAIL  vm0 ran to its end: exit code 3');
  });
});

const COPIER = `import { defineDevice } from ${JSON.stringify(join(PROJECT, 'dist/devices/index.js'))};
export const device = () => {
  const copier = defineDevice({
    name: 'copier',
    kind: 'copy',
    interrupts: 1,
    registers: {
      FROM: { offset: 0x0, writable: 0xffffffff },
      TO: { offset: 0x4, writable: 0xffffffff },
      LENGTH: {
        offset: 0x8,
        writable: 0xff,
        write(values, { host, interruptLine }) {
          const port = host.dmaPort();
          const bytes = new Uint8Array(values.LENGTH);
          const isDone = port.read(values.FROM, bytes).ok && port.write(values.TO, bytes).ok;
          values.DONE = isDone ? port.streamId : 0xffffffff;
          if (isDone) interruptLine(0).pulse();
        },
      },
      DONE: { offset: 0xc },
    },
  });
  return { ...copier, identity: { ...copier.identity, busMaster: true } };
};
`;

/**
 * Finds the copier in the device table, makes it copy a word within RAM, which ends with
 * its interrupt, and then one to an address without RAM, which ends without. Exits with
 * 0, or with the number of the first failed check.
 */
const COPYING_GUEST = `(module (import "env" "memory" (memory 32 32 shared)) ${IMPORT_READ32} ${IMPORT_WRITE32}
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func $need (param $holds i32) (param $number i32)
    (if (i32.eqz (local.get $holds)) (then (call $exit (local.get $number)))))
  (func $copy (param $device i32) (param $to i32) (result i32)
    (call $write32 (local.get $device) (i32.add (i32.const 0x100000) (i32.load (i32.const ${ABI_AT_RAM_GPA_BASE}))))
    (call $write32 (i32.add (local.get $device) (i32.const 4)) (local.get $to))
    (call $write32 (i32.add (local.get $device) (i32.const 8)) (i32.const 4))
    (call $read32 (i32.add (local.get $device) (i32.const 12))))
  (func $start (local $entry i32) (local $left i32) (local $device i32)
    (local $line i32) (local $word i32) (local $stream i32)
    (local.set $entry (i32.const ${ABI_AT_DEVICES}))
    (local.set $left (i32.load (i32.const ${ABI_AT_DEVICE_COUNT})))
    (block $found (loop $next
      (br_if $found (i32.eq (i32.load (local.get $entry)) (i32.const 0x79706f63)))
      (local.set $entry (i32.add (local.get $entry) (i32.const 32)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $next (local.get $left))
      (call $exit (i32.const 1))))
    (local.set $device (i32.load offset=4 (local.get $entry)))
    (local.set $line (i32.load offset=12 (local.get $entry)))
    (local.set $stream (i32.load offset=16 (local.get $entry)))
    (local.set $word (i32.add (i32.const ${ABI_AT_IRQ_EDGE})
      (i32.shl (i32.shr_u (local.get $line) (i32.const 5)) (i32.const 2))))
    (call $need (i32.ne (local.get $stream) (i32.const -1)) (i32.const 2))
    (i32.store (i32.const 0x100000) (i32.const 0x12345678))
    (call $need (i32.eq (local.get $stream)
      (call $copy (local.get $device)
        (i32.add (i32.const 0x180000) (i32.load (i32.const ${ABI_AT_RAM_GPA_BASE}))))) (i32.const 3))
    (call $need (i32.eq (i32.load (i32.const 0x180000)) (i32.const 0x12345678)) (i32.const 4))
    (call $need (i32.eq (i32.load (local.get $word)) (i32.shl (i32.const 1) (local.get $line))) (i32.const 5))
    (i32.store (local.get $word) (i32.const 0))
    (call $need (i32.eq (i32.const -1) (call $copy (local.get $device) (i32.const 0x10))) (i32.const 6))
    (call $need (i32.eqz (i32.load (local.get $word))) (i32.const 7)))
  (export "memory" (memory 0)) (export "_start" (func $start)))`;

describe('vsmmu boot FILE.wasm --device', { timeout: 120_000 }, () => {
  it.each(['inline', 'mailbox'])(
    'gives a bus master its DMA port and its interrupt: %s',
    async (transport) => {
      const guest = await file('copying.wasm', assemble(COPYING_GUEST));
      const plugin = await file('copier.mjs', COPIER);
      const { status, stdout, stderr } = await vsmmu(
        'boot',
        guest,
        '--device',
        plugin,
        '--transport',
        transport,
        '--check',
        '--json',
      );
      expect(stderr).toBe('');
      const { checks, exits } = JSON.parse(stdout) as Report;
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(status).toBe(0);
      expect(exits.byRegister).toEqual({
        'copier.FROM': 2,
        'copier.TO': 2,
        'copier.LENGTH': 2,
        'copier.DONE': 2,
      });
    },
  );
});

describe('vsmmu --help', { timeout: 120_000 }, () => {
  it('explains itself on request', async () => {
    const help = await vsmmuProcess('--help');
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toContain('boot');
    const boot = await vsmmu('boot', '--help');
    for (const option of ['--path', '--vms', '--memory', '--json'])
      expect(boot.stdout).toContain(option);
    expect((await vsmmuProcess('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
