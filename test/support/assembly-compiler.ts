// SPDX-License-Identifier: MIT
// Once for each run of tests: AssemblyScript compilers that all test files share, through
// a local address.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { TestProject } from 'vitest/node';
import { compileWithAsc } from '../../scripts/asc.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * Accepts `{ args, root }` as JSON, and responds with the result of compileWithAsc
     * for them.
     */
    readonly assemblyCompiler: string;
  }
}

interface Job {
  readonly args: readonly string[];
  readonly root: string;
}

export async function setup(project: TestProject): Promise<() => void> {
  const server = createServer(async (request, response) => {
    try {
      const { args, root } = (await json(request)) as Job;
      response.end(JSON.stringify(await compileWithAsc(args, root)));
    } catch (error) {
      response.end(JSON.stringify({ ok: false, output: String(error) }));
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  project.provide('assemblyCompiler', `http://127.0.0.1:${port}`);
  return () => {
    server.closeAllConnections();
    server.close();
  };
}
