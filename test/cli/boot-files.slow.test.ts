// SPDX-License-Identifier: MIT
// Files that a run reads: those of a configuration are relative to it, and a compressed
// trace can be read.

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vsmmu } from '../support/vsmmu-command.ts';
import { IMPORT_READ32, reactor } from '../support/wat.ts';

/** Reads a register of the UART, which is an exit, and powers off. */
const GUEST = reactor(
  `(func $run (param i32) (result i32)
    (drop (call $read32 (i32.const 0x09000018)))
    (i32.const 2))`,
  IMPORT_READ32,
);
const DEVICE = `import { defineDevice } from 'vsmmu/devices';
export const device = () => defineDevice({ name: 'mine', kind: 'mine', registers: { A: { offset: 0 } } });
`;

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeAll(async () => {
  // In the project, so that the device can import the package.
  await mkdir('build', { recursive: true });
  folder = await mkdtemp(join(process.cwd(), 'build/boot-files-'));
  await mkdir(at('machines/parts'), { recursive: true });
  await writeFile(at('machines/guest.wasm'), GUEST);
  await writeFile(at('machines/parts/mine.mjs'), DEVICE);
});
afterAll(() => rm(folder, { recursive: true }));

describe('files that a configuration names', { timeout: 60_000 }, () => {
  const CONFIG = {
    guest: 'guest.wasm',
    devices: ['parts/mine.mjs'],
    trace: 'parts/run.json',
    quiet: true,
  };

  it('are relative to its folder, regardless of the working directory', async () => {
    await writeFile(at('machines/run.json'), JSON.stringify(CONFIG));
    const named = [at('machines/run.json'), relative(process.cwd(), at('machines/run.json'))];
    for (const config of named) {
      expect(await vsmmu('boot', '--config', config)).toMatchObject({ status: 0, stderr: '' });
      const { traceEvents } = JSON.parse(await readFile(at('machines/parts/run.json'), 'utf8'));
      expect(traceEvents.length).toBeGreaterThan(1);
      await rm(at('machines/parts/run.json'));
    }
    expect((await readdir(folder)).sort()).toEqual(['machines']);
  });

  it('are missed where the configuration would have them', async () => {
    await writeFile(at('elsewhere.json'), JSON.stringify({ guest: CONFIG.guest }));
    const { status, stderr } = await vsmmu('boot', '--config', at('elsewhere.json'));
    expect(status).toBe(2);
    expect(stderr).toContain(at('guest.wasm'));
    await rm(at('elsewhere.json'));
  });

  it('are those of the working directory where a flag names them', async () => {
    await writeFile(at('machines/flags.json'), JSON.stringify({ ...CONFIG, guest: 'none.wasm' }));
    const file = relative(process.cwd(), at('machines/guest.wasm'));
    const trace = relative(process.cwd(), at('flags.json'));
    expect(
      await vsmmu('boot', file, '--config', at('machines/flags.json'), '--trace', trace),
    ).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(await readFile(at('flags.json'), 'utf8')).traceEvents.length).toBeGreaterThan(
      1,
    );
  });

  it('may be absolute, or URLs', async () => {
    const url = new URL(`file://${at('machines/guest.wasm')}`).href;
    for (const guest of [at('machines/guest.wasm'), url]) {
      await writeFile(at('absolute.json'), JSON.stringify({ guest, quiet: true }));
      expect(await vsmmu('boot', '--config', at('absolute.json'))).toMatchObject({ status: 0 });
    }
  });
});

describe('a compressed trace', { timeout: 60_000 }, () => {
  it('is read back as it would be without compression', async () => {
    const packed = at('run.json.gz');
    expect(
      await vsmmu('boot', at('machines/guest.wasm'), '--quiet', '--trace', packed),
    ).toMatchObject({
      status: 0,
      stderr: '',
    });
    const bytes = await readFile(packed);
    expect([...bytes.subarray(0, 2)]).toEqual([0x1f, 0x8b]);
    const text = gunzipSync(bytes);
    await writeFile(at('plain.json'), text);
    // The content of the file counts, not its name.
    await writeFile(at('packed.json'), bytes);
    for (const command of [['trace', 'summary'], ['inspect']]) {
      const plain = await vsmmu(...command, at('plain.json'));
      expect([plain.status, plain.stderr]).toEqual([0, '']);
      if (command[0] === 'trace') expect(plain.stdout).toMatch(/vCPU 0\n +1 {2}exit mmio$/m);
      for (const file of [packed, at('packed.json')])
        expect(await vsmmu(...command, file), file).toEqual(plain);
    }
  });

  it('that is cut off, or hides something else, is refused in one line', async () => {
    const bytes = await readFile(at('run.json.gz'));
    await writeFile(at('cut.json.gz'), bytes.subarray(0, bytes.length / 2));
    await writeFile(at('head.json.gz'), bytes.subarray(0, 2));
    for (const name of ['cut', 'head']) {
      const { status, stdout, stderr } = await vsmmu('trace', 'summary', at(`${name}.json.gz`));
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(new RegExp(`^vsmmu: \\S*${name}\\.json\\.gz is not a trace: .*\\n$`));
    }
  });
});
