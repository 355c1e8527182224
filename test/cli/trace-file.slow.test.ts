// SPDX-License-Identifier: MIT
// --trace FILE: an existing file is kept until a complete trace replaces it, and an
// aborted run also writes one.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import {
  chmod,
  link,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { steps, THOROUGH } from '../support/thorough.ts';
import { startVsmmu, vsmmu, vsmmuProcess } from '../support/vsmmu-command.ts';
import { IMPORT_READ32, IMPORT_WRITE32, reactor } from '../support/wat.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const OLD = 'what was there';
const SECONDS = 240_000;
const execFileAsync = promisify(execFile);

/**
 * Prints a line, and is idle forever: its trace is short, and written at once even on a
 * busy computer.
 */
const FOREVER = reactor(
  `(func $run (param i32) (result i32)
    (call $write32 (i32.const 0x09000000) (i32.const 0x21))
    (call $write32 (i32.const 0x09000000) (i32.const 0x0a))
    (i32.const 0))`,
  IMPORT_WRITE32,
);
const OFF = reactor(
  '(func $run (param i32) (result i32) (drop (call $read32 (i32.const 0x09000018))) (i32.const 2))',
  IMPORT_READ32,
);
const TRAPS = reactor(
  '(func $run (param i32) (result i32) (drop (call $read32 (i32.const 0x09000018))) unreachable)',
  IMPORT_READ32,
);
const SPIN = '(func $run (param i32) (result i32) (loop $for (br $for)) (i32.const 2))';

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vsmmu-trace-'));
  await writeFile(at('run.json'), OLD);
  await writeFile(at('forever.wasm'), FOREVER);
  await writeFile(at('off.wasm'), OFF);
  await writeFile(at('traps.wasm'), TRAPS);
});
afterEach(() => rm(folder, { recursive: true }));

/** No other file is left in the folder. */
const leftovers = async () => (await readdir(folder)).filter((name) => name.includes('partial'));

/** Names of the trace's events that represent exits. */
async function exitsIn(name: string): Promise<number> {
  const { traceEvents } = JSON.parse(await readFile(at(name), 'utf8')) as {
    traceEvents: { name: string }[];
  };
  return traceEvents.filter((event) => event.name.startsWith('exit')).length;
}

const boot = (guest: string, ...options: string[]) =>
  vsmmu('boot', at(guest), '--quiet', '--trace', at('run.json'), ...options);

describe('a trace file', () => {
  it('is replaced by a whole trace', { timeout: SECONDS }, async () => {
    expect((await boot('off.wasm')).status).toBe(0);
    expect(await exitsIn('run.json')).toBeGreaterThan(0);
    expect(await leftovers()).toEqual([]);
  });

  it('is kept when nothing has run', { timeout: SECONDS }, async () => {
    await writeFile(at('bad.wasm'), 'no guest');
    const { status, stderr } = await boot('bad.wasm');
    expect([status, stderr]).toEqual([2, `vsmmu: ${at('bad.wasm')}: not a WebAssembly binary\n`]);
    expect(await readFile(at('run.json'), 'utf8')).toBe(OLD);
    expect(await leftovers()).toEqual([]);
  });

  it('is written by a run that fails, and by one that times out', {
    timeout: SECONDS,
  }, async () => {
    expect((await boot('traps.wasm')).status).toBe(1);
    expect(await exitsIn('run.json')).toBeGreaterThan(0);
    await writeFile(at('run.json'), OLD);
    const { status, stdout } = await boot('forever.wasm', '--timeout', '2');
    expect([status, stdout]).toEqual([
      1,
      '  FAIL  vm0 ran to its end: it did not end within 2 s\n',
    ]);
    expect(await exitsIn('run.json')).toBeGreaterThan(0);
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    ['spins', '(br $for)'],
    [
      'sleeps',
      '(drop (memory.atomic.wait32 (i32.const 0x110000) (i32.const 0) (i64.const -1))) (br $for)',
    ],
  ])(
    'is written by a run whose guest %s and never leaves the thread',
    {
      timeout: SECONDS,
    },
    async (name, body) => {
      const guest = `(func $run (param i32) (result i32)
      (call $write32 (i32.const 0x09000000) (i32.const 0x21))
      (loop $for ${body}) (i32.const 2))`;
      await writeFile(at(`${name}.wasm`), reactor(guest, IMPORT_WRITE32));
      const run = await vsmmuProcess(
        ...['boot', at(`${name}.wasm`), '--quiet', '--timeout', '1', '--trace', at('run.json')],
      );
      expect([run.status, run.stderr]).toEqual([
        1,
        'vsmmu: the guest did not return within 1 s, and was terminated\n',
      ]);
      expect(await exitsIn('run.json')).toBeGreaterThan(0);
      expect(await leftovers()).toEqual([]);
      const packed = at('run.json.gz');
      await vsmmuProcess('boot', at(`${name}.wasm`), '--timeout', '1', '--trace', packed);
      await writeFile(at('packed.json'), gunzipSync(await readFile(packed)));
      expect(await exitsIn('packed.json')).toBe(await exitsIn('run.json'));
    },
  );

  it('is written where such a run has further threads', { timeout: SECONDS }, async () => {
    await writeFile(at('spins.wasm'), reactor(SPIN));
    const options = ['--quiet', '--timeout', '1', '--drain', 'thread', '--trace', at('run.json')];
    expect((await vsmmuProcess('boot', at('spins.wasm'), ...options)).status).toBe(1);
    const { traceEvents } = JSON.parse(await readFile(at('run.json'), 'utf8'));
    expect(traceEvents.length).toBeGreaterThan(0);
    expect(await leftovers()).toEqual([]);
  });

  it('is kept where such a run cannot write it', { timeout: SECONDS }, async () => {
    await writeFile(at('spins.wasm'), reactor(SPIN));
    const { status, stderr } = await vsmmuProcess(
      ...['boot', at('spins.wasm'), '--quiet', '--timeout', '1', '--trace', '/dev/full'],
    );
    expect([status, stderr]).toEqual([
      1,
      'vsmmu: cannot write /dev/full: no space left on the device\n' +
        'vsmmu: the guest did not return within 1 s, and was terminated\n',
    ]);
  });

  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGTERM', 143],
  ] as const)('is written at %s', { timeout: SECONDS }, async (signal, expected) => {
    const args = [MAIN, 'boot', at('forever.wasm'), '--trace', at('run.json')];
    const child = spawn(process.execPath, args);
    const closed = new Promise((resolve) => child.on('close', resolve));
    let output = '';
    await Promise.race([
      closed,
      new Promise<void>((said) => {
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (text: string) => {
            output += text;
            if (output.includes('!\n')) said();
          });
      }),
    ]);
    child.kill(signal);
    // A closed terminal sends it more than once.
    if (signal === 'SIGHUP') setTimeout(() => child.kill(signal), 1);
    expect(await closed, output).toBe(expected);
    expect(output).toMatch(/^!\n/);
    expect(output).toContain(`FAIL  vm0 ran to its end: ended by ${signal}\n`);
    expect(output).not.toContain('did not return');
    expect(await exitsIn('run.json')).toBeGreaterThan(0);
    expect(await leftovers()).toEqual([]);
  });

  it('is written when its terminal is closed', { timeout: SECONDS }, async () => {
    // script gives the command a terminal, whose other end closes with script.
    const line = `exec ${process.execPath} ${MAIN} boot ${at('forever.wasm')} --trace ${at('run.json')}`;
    const child = spawn('script', ['-qfc', line, '/dev/null']);
    let output = '';
    while (!output.includes('!')) output += String((await once(child.stdout, 'data'))[0]);
    child.kill('SIGKILL');
    const isOld = async () => (await readFile(at('run.json'), 'utf8')) === OLD;
    await vi.waitFor(async () => expect([await isOld(), await leftovers()]).toEqual([false, []]), {
      timeout: 60_000,
      interval: 100,
    });
    expect(await exitsIn('run.json')).toBeGreaterThan(0);
  });

  it('cannot be one of the files that the run reads', { timeout: SECONDS }, async () => {
    await writeFile(at('config.json'), JSON.stringify({ guest: at('off.wasm') }));
    await link(at('off.wasm'), at('hard.json'));
    await symlink(at('off.wasm'), at('soft.json'));
    const cases: [string, string[]][] = [
      ['off.wasm', [at('off.wasm')]],
      ['hard.json', [at('off.wasm')]],
      ['soft.json', [at('off.wasm')]],
      ['config.json', ['--config', at('config.json')]],
      ['traps.wasm', [at('off.wasm'), '--vcpus', '2', '--secondary', at('traps.wasm')]],
    ];
    for (const [file, args] of cases) {
      const before = await readFile(at(file));
      const { status, stdout, stderr } = await vsmmu('boot', ...args, '--trace', at(file));
      expect([status, stdout, stderr]).toEqual([
        2,
        '',
        `vsmmu: cannot write ${at(file)}: the run reads it\n`,
      ]);
      expect((await readFile(at(file))).equals(before)).toBe(true);
    }
    expect(await leftovers()).toEqual([]);
  });

  it('is written where a link leads', { timeout: SECONDS }, async () => {
    await symlink(at('run.json'), at('link.json'));
    expect(
      (await vsmmu('boot', at('off.wasm'), '--quiet', '--trace', at('link.json'))).status,
    ).toBe(0);
    expect(await exitsIn('run.json')).toBeGreaterThan(0);
  });

  it('that cannot be written is a line', { timeout: SECONDS }, async () => {
    const cases: [string, string][] = [
      [at('nowhere/run.json'), 'no such folder'],
      [folder, 'it is a directory'],
      ['/dev/full', 'no space left on the device'],
    ];
    for (const [file, why] of cases) {
      const { status, stderr } = await vsmmu('boot', at('off.wasm'), '--quiet', '--trace', file);
      expect([status, stderr]).toEqual([2, `vsmmu: cannot write ${file}: ${why}\n`]);
    }
  });

  it('that is a device is written as it is', { timeout: SECONDS }, async () => {
    const { status, stderr } = await vsmmu(
      ...['boot', at('off.wasm'), '--quiet', '--trace', '/dev/null'],
    );
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('a trace into a FIFO', () => {
  const fifo = () => {
    execFileSync('mkfifo', [at('fifo')]);
    return at('fifo');
  };

  it('that nothing reads is refused at once', { timeout: SECONDS }, async () => {
    const file = fifo();
    const { status, stdout, stderr } = await vsmmu('boot', at('off.wasm'), '--trace', file);
    expect([status, stdout, stderr]).toEqual([
      2,
      '',
      `vsmmu: cannot write ${file}: it is a FIFO that nothing reads\n`,
    ]);
  });

  it('is all read by its reader', { timeout: SECONDS }, async () => {
    const read = execFileAsync('cat', [fifo()]);
    const run = await vsmmuProcess('boot', at('off.wasm'), '--quiet', '--trace', at('fifo'));
    expect([run.status, run.stderr]).toEqual([0, '']);
    await writeFile(at('run.json'), (await read).stdout);
    expect(await exitsIn('run.json')).toBeGreaterThan(0);
  });

  it('that is full does not keep a run from ending', { timeout: SECONDS }, async () => {
    const { O_NONBLOCK, O_RDWR } = constants;
    const reader = await open(fifo(), O_RDWR | O_NONBLOCK);
    const fill = async () => {
      for (;;) await reader.write(new Uint8Array(4096));
    };
    await expect(fill()).rejects.toThrow('EAGAIN');
    const run = await vsmmuProcess(
      ...['boot', at('off.wasm'), '--quiet', '--trace', at('fifo'), '--timeout', '2'],
    );
    await reader.close();
    expect(run.status).toBe(1);
  });

  it('whose reader goes is a line', { timeout: SECONDS }, async () => {
    const reader = await open(fifo(), constants.O_RDONLY | constants.O_NONBLOCK);
    const { child, output } = startVsmmu('boot', at('forever.wasm'), '--trace', at('fifo'));
    const closed = once(child, 'close');
    while (!output.stdout.includes('!\n')) await once(child.stdout, 'data');
    await reader.close();
    child.kill('SIGTERM');
    await closed;
    expect(output.stderr).toBe(`vsmmu: cannot write ${at('fifo')}: its reader has gone\n`);
  });
});

/** Runs a line of shell with the command as "$@". */
function shell(script: string, ...args: string[]) {
  const child = spawn('sh', ['-c', script, 'sh', process.execPath, MAIN, ...args]);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.resume();
  return new Promise<{ status: number | null; stderr: string }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stderr }));
  });
}

describe('streams and files of a process that has none left', () => {
  it('standard output on a full disk is a line', { timeout: SECONDS }, async () => {
    expect(await shell('"$@" > /dev/full', 'boot', at('off.wasm'))).toEqual({
      status: 2,
      stderr: 'vsmmu: cannot write to standard output: no space left on the device\n',
    });
  });

  it('a closed standard error changes no status', { timeout: SECONDS }, async () => {
    expect((await shell('"$@" 2>&-', 'boot', at('off.wasm'), '--json')).status).toBe(0);
    expect((await shell('"$@" 2>/dev/full', 'boot', at('nothing.wasm'))).status).toBe(2);
  });

  it('no file left to open is a line', { timeout: SECONDS }, async () => {
    // From the first number that is sufficient for Node.js and main.js to the first that
    // is sufficient for all.
    let refused = 0;
    for (let files = 22; files <= 60; files += steps(4, 1)) {
      const run = await shell(`ulimit -n ${files}; exec "$@"`, 'boot', at('off.wasm'));
      if (run.status === 0) break;
      expect([run.status, run.stderr.split('\n').length], run.stderr).toEqual([2, 2]);
      expect(run.stderr).toMatch(/^vsmmu: /);
      refused++;
    }
    expect(refused).toBeGreaterThan(0);
    // A run in a thread of its own may not get one.
    for (const options of [
      ['--trace', at('run.json')],
      ['--timeout', '9', '--json'],
    ])
      for (const files of THOROUGH ? [22, 23, 24, 26] : [22, 24]) {
        const run = await shell(
          `ulimit -n ${files}; exec "$@"`,
          'boot',
          at('off.wasm'),
          ...options,
        );
        expect([run.status, run.stderr.split('\n').length], run.stderr).toEqual([2, 2]);
        expect(run.stderr).toMatch(/^vsmmu: /);
      }
    expect(await readFile(at('run.json'), 'utf8')).toBe(OLD);
  });

  it('a file that may not be written keeps what it has', { timeout: SECONDS }, async () => {
    await chmod(folder, 0o500);
    const { status, stderr } = await boot('off.wasm');
    await chmod(folder, 0o700);
    // Root may write everywhere.
    if (status === 0) expect(await exitsIn('run.json')).toBeGreaterThan(0);
    else
      expect([status, stderr]).toEqual([
        2,
        `vsmmu: cannot write ${at('run.json')}: permission denied\n`,
      ]);
  });
});
