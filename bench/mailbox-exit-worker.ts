// SPDX-License-Identifier: MIT
// The vCPU's side of a bare exit, on a separate thread.

import { parentPort, workerData } from 'node:worker_threads';
import { MailboxClient } from '../vmm/threads/mailbox.ts';
import type { MailboxSide } from './mailbox-exit.ts';
import { eachRound } from './rounds.ts';

const { mailbox, vmm, exits, go } = workerData as MailboxSide;
const client = new MailboxClient(mailbox, vmm);

parentPort?.postMessage('ready');
eachRound(go, () => {
  const from = performance.now();
  for (let exit = 0; exit < exits; exit++) {
    client.open(0, 0);
    client.post();
  }
  parentPort?.postMessage((performance.now() - from) * 1e6);
});
