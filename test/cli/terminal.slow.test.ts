// SPDX-License-Identifier: MIT
// Progress and colours of a run, and its timeout.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHECKPOINT_DATA, CHECKPOINT_RESULT } from '../../assembly/layout/checkpoint-registers.ts';
import { Progress } from '../../cli/progress.ts';
import type { Report } from '../../cli/report.ts';
import { colours } from '../../cli/terminal.ts';
import { vsmmu, vsmmuProcess } from '../support/vsmmu-command.ts';
import { IMPORT_WRITE32, reactor } from '../support/wat.ts';

const UART = 0x09000000;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-terminal-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function guest(name: string, body: string, imports = ''): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, reactor(body, imports));
  return path;
}

describe('--timeout', { timeout: 60_000 }, () => {
  it.each(['inline', 'mailbox'])(
    'fails a run whose guest yields for ever: %s',
    async (transport) => {
      const yielding = await guest(
        'yielding.wasm',
        '(func $run (param i32) (result i32) (i32.const 1))',
      );
      const { status, stdout, stderr } = await vsmmuProcess(
        'boot',
        yielding,
        '--timeout',
        '1',
        '--json',
        '--transport',
        transport,
      );
      expect([status, stderr]).toEqual([1, '']);
      expect((JSON.parse(stdout) as Report).checks).toEqual([
        { name: 'vm0 ran to its end', ok: false, detail: 'it did not end within 1 s' },
      ]);
    },
  );

  describe('and a guest that never returns', () => {
    const CHECKPOINT = 0x09100000;
    /** Reports a passed check, prints "!", and spins. */
    const stuck = () =>
      guest(
        'stuck.wasm',
        `(data (i32.const 0x100000) "works")
        (func $run (param i32) (result i32)
          (call $write32 (i32.const ${UART}) (i32.const 33))
          (call $write32 (i32.const ${CHECKPOINT + CHECKPOINT_DATA}) (i32.const 0x80100000))
          (call $write32 (i32.const ${CHECKPOINT + CHECKPOINT_DATA + 4}) (i32.const 5))
          (call $write32 (i32.const ${CHECKPOINT + CHECKPOINT_RESULT}) (i32.const 1))
          (loop $for (br $for)) (i32.const 2))`,
        IMPORT_WRITE32,
      );

    it('ends it in time, with one line after its console', async () => {
      const began = performance.now();
      const outcome = await vsmmuProcess('boot', await stuck(), '--timeout', '3');
      expect(outcome).toMatchObject({
        status: 1,
        stdout: '!',
        stderr: 'vsmmu: the guest did not return within 3 s, and was terminated\n',
      });
      // The remaining time is that of starting the command while others use the cores.
      expect(performance.now() - began).toBeLessThan(20_000);
    });

    it('prints the checks that there are as an object', async () => {
      const { status, stdout, stderr } = await vsmmuProcess(
        'boot',
        await stuck(),
        '--timeout',
        '3',
        '--json',
      );
      expect([status, stderr]).toEqual([
        1,
        '!vsmmu: the guest did not return within 3 s, and was terminated\n',
      ]);
      expect(JSON.parse(stdout)).toEqual({
        formatVersion: 1,
        ok: false,
        checks: [
          { name: 'works', ok: true, detail: '' },
          { name: 'the guests came back', ok: false, detail: 'not within 3 s' },
        ],
      });
    });

    it('ends it while it boots on its own thread', async () => {
      const starts = await guest(
        'starts.wasm',
        `(func $run (param i32) (result i32) (i32.const 2))
         (func $start (loop $for (br $for))) (start $start)`,
      );
      const args = ['boot', starts, '--timeout', '1', '--transport', 'mailbox', '--quiet'];
      expect(await vsmmuProcess(...args, '--vms', '2')).toMatchObject({
        status: 1,
        stdout: ['vm0', 'vm1']
          .map((name) => `  FAIL  ${name} ran to its end: it did not end within 1 s\n`)
          .join(''),
        stderr: '',
      });
    });
  });

  it('leaves a run alone that ends in time', async () => {
    const good = await guest('good.wasm', '(func $run (param i32) (result i32) (i32.const 2))');
    expect(await vsmmuProcess('boot', good, '--timeout', '30')).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect((await vsmmuProcess('boot', '/nowhere.wasm', '--timeout', '30')).status).toBe(2);
  });
});

describe('--quiet', () => {
  it('prints nothing for a successful run', async () => {
    expect(await vsmmu('boot', 'toy', '--path', 'direct', '--quiet')).toMatchObject({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('--seed', () => {
  it('gives the guests the same random numbers in each run', async () => {
    const random = await guest(
      'random.wasm',
      `(func $run (param i32) (result i32) (drop (call $random (i32.const 0x110000) (i32.const 4)))
        (call $write32 (i32.const ${UART})
          (i32.add (i32.const 65) (i32.and (i32.load (i32.const 0x110000)) (i32.const 15))))
        (i32.const 2))`,
      `${IMPORT_WRITE32} (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))`,
    );
    const letters = await Promise.all(
      ['1', '1', '2', '3', '4', '5'].map(
        async (seed) => (await vsmmu('boot', random, '--seed', seed)).stdout[0],
      ),
    );
    expect(letters[0]).toBe(letters[1]);
    expect(new Set(letters).size).toBeGreaterThan(2);
  });
});

describe('colours', () => {
  it('are for terminals, and NO_COLOR turns them off', () => {
    expect(colours(true, {}).good('ok')).toBe('\u001b[32mok\u001b[39m');
    expect(colours(true, {}).bad('FAIL')).toBe('\u001b[31mFAIL\u001b[39m');
    expect(colours(true, { NO_COLOR: '' }).good('ok')).toContain('\u001b');
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
      expect(colours(true, env).good('ok')).toBe('ok');
    expect(colours(false, {}).bad('FAIL')).toBe('FAIL');
  });
});

describe('progress', () => {
  const machines = ['paused', 'off'].map((status) => ({
    status,
    statistics: { exits: { total: 21 } },
  })) as unknown as Parameters<Progress['show']>[0];

  function shown(quiet: boolean, terminal: boolean, times: readonly number[]): string[] {
    const written: string[] = [];
    const progress = new Progress({ write: (text) => written.push(text) }, quiet, terminal, 0);
    for (const time of times) progress.show(machines, time);
    progress.around(() => written.push('console'));
    progress.end();
    return written;
  }

  it('appears after two seconds, not at each step, and makes way for the console', () => {
    expect(shown(false, true, [0, 1999])).toEqual(['console']);
    expect(shown(false, true, [1999, 2001, 2100, 3400])).toEqual([
      '\r\u001b[K2 s, 1 of 2 machines running, 42 exits so far',
      '\r\u001b[K3 s, 1 of 2 machines running, 42 exits so far',
      '\r\u001b[K',
      'console',
    ]);
  });

  it('is for terminals, and --quiet turns it off', () => {
    expect(shown(true, true, [5000])).toEqual(['console']);
    expect(shown(false, false, [5000])).toEqual(['console']);
  });
});
