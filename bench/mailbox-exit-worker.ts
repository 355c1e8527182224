// SPDX-License-Identifier: MIT
// The vCPU's side of a bare exit, on a separate thread.

import { parentPort, workerData } from 'node:worker_threads';
import { MailboxClient } from '../vmm/threads/mailbox.ts';
import type { MailboxSide } from './mailbox-exit.ts';

const { mailbox, vmm, exits, go } = workerData as MailboxSide;
const client = new MailboxClient(mailbox, vmm);
const words = new Int32Array(go);

parentPort?.postMessage('ready');
for (let round = 0; ; round++) {
  Atomics.wait(words, 0, round);
  if (Atomics.load(words, 0) < 0) break;
  const from = performance.now();
  for (let exit = 0; exit < exits; exit++) {
    client.open(0, 0);
    client.post();
  }
  parentPort?.postMessage((performance.now() - from) * 1e6);
}
