// SPDX-License-Identifier: MIT
// Static sites, the demo above all, and a server for them with the isolation headers or without.

import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
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

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Builds a Vite project: arguments of `vite build`, whose folder is this tree's unless one is named.
 * @returns what it warns of.
 */
export async function buildSite(args: readonly string[], cwd = PROJECT): Promise<string> {
  const vite = join(PROJECT, 'node_modules/vite/bin/vite.js');
  const all = [vite, 'build', ...args, '--logLevel', 'warn'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, all, {
    cwd,
    // The test runner's own would make it a build for tests.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  return `${stdout}${stderr}`.trim();
}

/** The same files at this path, as on a host that has other things too. */
const SUB_PATH = '/some/folder/';

/** Serves a folder of files on a port of its own, at its root and at SUB_PATH. */
export async function serve(isolating: boolean, folder = SITE): Promise<Site> {
  const server = createServer((request, response) => {
    const asked = normalize(new URL(request.url ?? '/', 'http://site').pathname);
    const path = asked.startsWith(SUB_PATH) ? asked.slice(SUB_PATH.length - 1) : asked;
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    stat(file).then(
      () => {
        response.writeHead(200, {
          'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
          ...(isolating ? ISOLATING : {}),
        });
        createReadStream(file).pipe(response);
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
