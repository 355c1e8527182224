// SPDX-License-Identifier: MIT
// Where a binary may come from, and how much of it is read.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Host, type MachineOptions } from 'vsmmu';
import { readSource } from '../../vmm/api/sources.ts';
import { reactor } from '../support/wat.ts';

const PIECE = Buffer.alloc(2 ** 20);

describe('a source', () => {
  let sent = 0;
  const server = createServer(({ url }, response) => {
    if (url === '/small') response.end('bytes');
    else if (url === '/empty') response.writeHead(204).end();
    else if (url === '/missing') response.writeHead(404).end();
    else sendFor(response);
  });
  /** Sends zeros until nobody takes them any more. */
  function sendFor(response: ServerResponse): void {
    for (let more = true; more && !response.closed; sent++) more = response.write(PIECE);
    response.once('drain', () => sendFor(response));
  }
  const at = (path: string) =>
    readSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, 4);

  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is read from a URL, whole', async () => {
    expect(new TextDecoder().decode(await at('/small'))).toBe('bytes');
    expect(await at('/empty')).toHaveLength(0);
  });

  it('is no server that has nothing, with its answer as the reason', async () => {
    await expect(at('/missing')).rejects.toThrow(
      /cannot read http.*\/missing: the server answers 404 Not Found$/,
    );
  });

  it('is given up beyond its limit when a server never ends', async () => {
    await expect(at('/endless')).rejects.toThrow(/endless: it is larger than 4 MiB$/);
    // What a connection holds on its way beside.
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

describe('a guest that is none', () => {
  const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
  let host: Host;
  let folder: string;
  const at = (name: string) => join(folder, name);
  beforeAll(async () => {
    host = await Host.create();
    folder = mkdtempSync(join(tmpdir(), 'vsmmu-guests-'));
    writeFileSync(at('text.wasm'), 'not a binary');
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

  it('is named by its path or URL, as it was given', async () => {
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

  it('is named where it is the program of other vCPUs, and not the guest', async () => {
    const secondary = at('text.wasm');
    const message = `${secondary}: the program of the secondary vCPUs: not a WebAssembly binary`;
    for (const guest of [at('idle.wasm'), IDLE])
      expect(await refusal({ guest, vcpus: 2, secondary })).toBe(
        `GuestImageError not-wasm: ${message}`,
      );
  });

  it('has no name as bytes', async () => {
    const bytes = new TextEncoder().encode('not a binary');
    for (const guest of [bytes, bytes.buffer])
      expect(await refusal({ guest })).toBe('GuestImageError not-wasm: not a WebAssembly binary');
  });
});
