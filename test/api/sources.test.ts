// SPDX-License-Identifier: MIT
// Where a binary may come from, and how much of it is read.

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSource } from '../../vmm/api/sources.ts';

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
