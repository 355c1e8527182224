// SPDX-License-Identifier: MIT
// Sources of a binary, and how much of it is read.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Host, type MachineOptions, type VirtBoardOptions, virtBoard } from 'vsmmu';
import { type GuestSource, namedImageError, readSource } from '../../vmm/api/sources.ts';
import { KernelImageError } from '../../vmm/boot/index.ts';
import { GuestImageError } from '../../vmm/vcpu/wasm/index.ts';
import { assemble, reactor } from '../support/wat.ts';

const PIECE = Buffer.alloc(2 ** 20);

describe('a source', () => {
  let sent = 0;
  const server = createServer(({ url }, response) => {
    if (url === '/small') response.end('bytes');
    else if (url === '/empty') response.writeHead(204).end();
    else if (url === '/missing') response.writeHead(404).end();
    else sendFor(response);
  });
  /** Sends zeros until the connection is closed. */
  function sendFor(response: ServerResponse): void {
    for (let more = true; more && !response.closed; sent++) more = response.write(PIECE);
    response.once('drain', () => sendFor(response));
  }
  const at = (path: string) =>
    readSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, 'guest', 4);

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is read from a URL, whole', async () => {
    expect(new TextDecoder().decode(await at('/small'))).toBe('bytes');
    expect(await at('/empty')).toHaveLength(0);
  });

  it('is not a server without the file, whose response is the reason', async () => {
    await expect(at('/missing')).rejects.toThrow(
      /cannot read http.*\/missing: the server answers 404 Not Found$/,
    );
  });

  it('is refused beyond its limit when a server never ends', async () => {
    await expect(at('/endless')).rejects.toThrow(/endless: it is larger than 4 MiB$/);
    // A connection buffers some more.
    expect(sent).toBeLessThan(100);
  });

  it('is not read at all when its file is larger than 1 GiB', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vsmmu-source-'));
    const file = join(folder, 'sparse.wasm');
    writeFileSync(file, '');
    truncateSync(file, 2 ** 30 + 1);
    await expect(readSource(file)).rejects.toThrow(`${file}: it is larger than 1024 MiB`);
    rmSync(folder, { recursive: true });
  });
});

describe('an invalid guest', () => {
  const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
  let host: Host;
  let folder: string;
  const at = (name: string) => join(folder, name);
  beforeAll(async () => {
    host = await Host.create();
    folder = mkdtempSync(join(tmpdir(), 'vsmmu-guests-'));
    writeFileSync(at('text.wasm'), 'not a binary\0');
    writeFileSync(at('cut.wasm'), IDLE.subarray(0, 60));
    writeFileSync(at('idle.wasm'), IDLE);
  });
  afterAll(async () => {
    await host.destroy();
    rmSync(folder, { recursive: true });
  });
  const refusal = (options: MachineOptions) =>
    host.createMachine(options).then(
      () => 'accepted',
      ({ name, code, message }) => `${name} ${code}: ${message}`,
    );

  it('is named by its path or URL, as given', async () => {
    const text = at('text.wasm');
    const url = pathToFileURL(at('cut.wasm'));
    const NONE = 'not a WebAssembly binary';
    expect(await refusal({ guest: text })).toBe(`GuestImageError not-wasm: ${text}: ${NONE}`);
    for (const guest of [url, url.href])
      expect(await refusal({ guest })).toMatch(
        `GuestImageError invalid-wasm: ${url.href}: not a valid WebAssembly binary: `,
      );
    expect(await refusal({ guest: at('idle.wasm'), memory: 1 })).toMatch(
      `GuestImageError memory-too-small: ${at('idle.wasm')}: `,
    );
  });

  it('is named where it is the program of other vCPUs rather than the guest', async () => {
    const secondary = at('text.wasm');
    const message = `${secondary}: the program of the secondary vCPUs: not a WebAssembly binary`;
    for (const guest of [at('idle.wasm'), IDLE])
      expect(await refusal({ guest, vcpus: 2, secondary })).toBe(
        `GuestImageError not-wasm: ${message}`,
      );
  });

  it('names its binary, regardless of the start of the message', async () => {
    const binary = (options: MachineOptions) =>
      host.createMachine(options).then(
        () => undefined,
        (error: GuestImageError) => error.binary,
      );
    expect([
      await binary({ guest: at('text.wasm') }),
      await binary({ guest: IDLE, vcpus: 2, secondary: at('text.wasm') }),
      await binary({ guest: IDLE, vcpus: 2, secondary: at('missing.wasm') }),
      await binary({ guest: at('missing.wasm') }),
    ]).toEqual(['guest', 'secondary', 'secondary', 'guest']);
    const late = new GuestImageError('not-wasm', 'the program of the secondary vCPUs is no guest');
    // Identified as the guest's by its class; the start of its message used to decide.
    expect(namedImageError(late, { guest: 'g.wasm', secondary: 's.wasm' })).toMatchObject({
      message: `g.wasm: ${late.message}`,
      binary: 'guest',
    });
  });

  it('is named when it boots, too: its own name, or that of the program of other vCPUs', async () => {
    const traps = assemble(`(module
      (import "env" "memory" (memory 32 32 shared)) (global $abi i32 (i32.const 1))
      (func $start unreachable) (start $start)
      (func $init) (func $run (param i32) (result i32) (i32.const 0))
      (export "memory" (memory 0)) (export "vsmmu_abi" (global $abi))
      (export "_initialize" (func $init)) (export "vsmmu_run" (func $run)))`);
    const other = assemble(`(module
      (import "env" "memory" (memory 32 32 shared)) (func $start unreachable) (start $start)
      (func (export "vsmmu_secondary") (param i32 i32)))`);
    writeFileSync(at('traps.wasm'), traps);
    writeFileSync(at('other.wasm'), other);
    for (const [options, binary, message] of [
      [{ guest: at('traps.wasm') }, 'guest', `${at('traps.wasm')}: the guest cannot be`],
      [
        { guest: at('idle.wasm'), vcpus: 2, secondary: at('other.wasm') },
        'secondary',
        `${at('other.wasm')}: the program of the secondary vCPUs cannot be`,
      ],
    ] as const) {
      const machine = await host.createMachine(options);
      await expect(machine.boot()).rejects.toMatchObject({
        name: 'GuestImageError',
        binary,
        message: expect.stringContaining(`${message} instantiated: `),
      });
      await machine.destroy();
    }
  });

  it('is an invalid kernel, named as given, with the file that is wrong', async () => {
    const url = pathToFileURL(at('idle.wasm'));
    const kernel = async (guest: GuestSource, options: VirtBoardOptions = {}) => {
      const board = virtBoard(options);
      const error: KernelImageError = await host
        .createMachine({ guest, board, memory: 256 })
        .then(() => undefined as never)
        .catch((cause: KernelImageError) => cause);
      return [error.name, error.file, error.message];
    };
    const wasm = 'the kernel is a WebAssembly module: ';
    expect(await kernel(at('idle.wasm'))).toEqual([
      'KernelImageError',
      'kernel',
      expect.stringMatching(`^${at('idle.wasm')}: ${wasm}`),
    ]);
    expect(await kernel(url)).toEqual([
      'KernelImageError',
      'kernel',
      expect.stringMatching(`^${url.href}: ${wasm}`),
    ]);
    expect(await kernel(IDLE)).toEqual([
      'KernelImageError',
      'kernel',
      expect.stringMatching(`^${wasm}`),
    ]);
    // A flat binary.
    expect(await kernel(at('text.wasm'), { append: 'a\0' })).toEqual([
      'KernelImageError',
      'command-line',
      'the command line contains a NUL character',
    ]);
    const large = new Uint8Array(256 << 20);
    expect(await kernel(at('text.wasm'), { initrd: large })).toEqual([
      'KernelImageError',
      'initrd',
      expect.stringMatching(/^kernel, initrd and device tree need \d+ bytes of memory/),
    ]);
    const file = new KernelImageError('too-large', 'it is large', { file: 'initrd' });
    expect(namedImageError(file, { guest: 'Image', initrd: 'initrd.gz' })).toMatchObject({
      message: 'initrd.gz: it is large',
      file: 'initrd',
    });
  });

  it('has no name as bytes', async () => {
    const bytes = new TextEncoder().encode('not a binary');
    for (const guest of [bytes, bytes.buffer])
      expect(await refusal({ guest })).toBe('GuestImageError not-wasm: not a WebAssembly binary');
  });
});
