// SPDX-License-Identifier: MIT
// A server with the responses of a test for each path; its host is 127.0.0.1, another
// site than localhost.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Site } from './demo-site.ts';

export interface Answer {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** @param answers by path, such as "/guest.wasm"; others are not found. */
export async function serveAnswers(answers: Readonly<Record<string, Answer>>): Promise<Site> {
  const server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    if (!answer) return response.writeHead(404).end();
    return response.writeHead(200, answer.headers).end(answer.body);
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}
