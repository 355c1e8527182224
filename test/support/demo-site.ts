// SPDX-License-Identifier: MIT
// Static sites, mostly the demo, and a server for them with or without the isolation
// headers.

import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT } from './project.ts';

const SITE = join(PROJECT, 'demo/dist');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
};
const ISOLATING = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** A link with a limited number of bytes per second, for all responses together. */
export class SlowLink {
  readonly #bytesPerSecond: number;
  /** The time at which everything sent so far has been transferred. */
  #free = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  async send(bytes: AsyncIterable<Buffer>, response: ServerResponse): Promise<void> {
    for await (const chunk of bytes)
      for (let at = 0; at < chunk.length; at += PACKET) {
        const packet = chunk.subarray(at, at + PACKET);
        const now = performance.now();
        this.#free = Math.max(now, this.#free) + (packet.length * 1000) / this.#bytesPerSecond;
        await new Promise((carried) => setTimeout(carried, this.#free - now));
        response.write(packet);
      }
    response.end();
  }
}

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Builds a Vite project: arguments of `vite build`, in this tree's folder unless one is
 * named.
 * @returns its warnings.
 */
export async function buildSite(args: readonly string[], cwd = PROJECT): Promise<string> {
  const vite = join(PROJECT, 'node_modules/vite/bin/vite.js');
  const all = [vite, 'build', ...args, '--logLevel', 'warn'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, all, {
    cwd,
    // With the test runner's value it would be a build for tests.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  return `${stdout}${stderr}`.trim();
}

/** Bytes that a slow link transfers in one piece. */
const PACKET = 1400;

/** The same files at this path, as on a host with other content too. */
const SUB_PATH = '/some/folder/';

/**
 * Serves a folder of files on a port of its own, at its root and at SUB_PATH.
 * @param headers of every response; true: those that isolate a page.
 * @param link for all responses. Default: no limit.
 */
export async function serve(
  headers: boolean | Readonly<Record<string, string>>,
  folder = SITE,
  link?: SlowLink,
): Promise<Site> {
  const sent = headers === true ? ISOLATING : headers || {};
  const server = createServer((request, response) => {
    const asked = normalize(new URL(request.url ?? '/', 'http://site').pathname);
    const path = asked.startsWith(SUB_PATH) ? asked.slice(SUB_PATH.length - 1) : asked;
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    stat(file).then(
      () => {
        response.writeHead(200, {
          'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
          ...sent,
        });
        const bytes = createReadStream(file);
        if (link) link.send(bytes, response).catch(() => response.destroy());
        else bytes.pipe(response);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}/`,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}
