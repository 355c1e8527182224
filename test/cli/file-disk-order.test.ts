// SPDX-License-Identifier: MIT
// A disk of `--disk FILE,rw` as seen by its driver: what has been written and is on the
// medium when a request's entry is in the used ring.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { VirtioBlock } from '../../devices/virtio/index.ts';
import { VirtioDriver } from '../support/virtio-driver.ts';

/**
 * Calls of the file system, with the used ring at each; `fails` makes one of them fail.
 */
const calls = vi.hoisted(() => ({
  log: [] as string[],
  seen: (): string => '',
  fails: undefined as { call: string; code: string } | undefined,
}));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const logged =
    <A extends unknown[], R>(call: string, act: (...values: A) => R) =>
    (...values: A): R => {
      calls.log.push(`${call}${calls.seen()}`);
      const { fails } = calls;
      if (fails?.call === call) throw Object.assign(new Error(fails.code), { code: fails.code });
      return act(...values);
    };
  return {
    ...real,
    writeSync: logged('write', real.writeSync as (...values: unknown[]) => number),
    fsyncSync: logged('sync', real.fsyncSync),
  };
});

/** Files of tests share their modules: another one may have loaded it without the mock. */
vi.resetModules();
const { openDisks } = await import('../../cli/file-disk.ts');

const [OUT, FLUSH] = [1, 4];
const [OK, IO_ERROR] = [0, 1];
const HAS_FLUSH = 1 << 9;

let folder = '';
let file = '';
let close: (() => void) | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsmmu-disk-'));
  file = join(folder, 'disk.img');
  writeFileSync(file, new Uint8Array(0x20000));
  calls.log.length = 0;
  calls.fails = undefined;
});
afterEach(() => {
  calls.seen = () => '';
  close?.();
  rmSync(folder, { recursive: true });
});

/** @param words those after the file name. */
async function disk(words = ',rw', features = HAS_FLUSH) {
  const opened = await openDisks([`${file}${words}`]);
  close = opened.close;
  const [stored] = opened.disks.disks;
  if (!stored) throw new Error('no disk');
  const driver = new VirtioDriver(new VirtioBlock(stored, 'serial'), features);
  calls.seen = () => (driver.hasUsed(0) ? ' after the used entry' : '');
  /** The status byte of a request with this many bytes of data. */
  const request = (type: number, bytes = new Uint8Array(0), sector = 0) => {
    const header = new Uint8Array(16 + bytes.length);
    new DataView(header.buffer).setUint32(0, type, true);
    new DataView(header.buffer).setUint32(8, sector, true);
    header.set(bytes, 16);
    driver.offer(0, header, 1);
    for (let turn = 0; turn < 8; turn++) driver.host.poll();
    return driver.used(0)?.bytes[0];
  };
  return request;
}

const SECTOR = new Uint8Array(512).fill(0x77);

it('has written a request to its file, and synchronized a flush, before it reports them', async () => {
  const request = await disk();
  expect(request(OUT, SECTOR, 2)).toBe(OK);
  expect(calls.log).toEqual(['write']);
  expect([...readFileSync(file).subarray(0x3ff, 0x402)]).toEqual([0, 0x77, 0x77]);
  expect(request(FLUSH)).toBe(OK);
  expect(calls.log).toEqual(['write', 'sync']);
});

it('synchronizes each write for a driver that has not accepted flushes', async () => {
  const request = await disk(',rw', 0);
  expect(request(OUT, SECTOR)).toBe(OK);
  expect(calls.log).toEqual(['write', 'sync']);
});

it.each([
  ['write', 'ENOSPC', OUT, HAS_FLUSH],
  ['write', 'EIO', OUT, HAS_FLUSH],
  ['sync', 'EIO', FLUSH, HAS_FLUSH],
  ['sync', 'ENOSPC', FLUSH, HAS_FLUSH],
  ['sync', 'EIO', OUT, 0],
])(
  'reports a %s that fails with %s as an I/O error, and works afterwards',
  async (call, code, type, features) => {
    const request = await disk(',rw', features);
    calls.fails = { call, code };
    const data = type === OUT ? SECTOR : undefined;
    expect(request(type, data)).toBe(IO_ERROR);
    calls.fails = undefined;
    expect(request(type, data)).toBe(OK);
  },
);

it('writes nothing to its file without rw', async () => {
  const request = await disk('');
  expect([request(OUT, SECTOR), request(FLUSH)]).toEqual([OK, OK]);
  expect(calls.log).toEqual([]);
  expect(readFileSync(file).every((byte) => byte === 0)).toBe(true);
});
