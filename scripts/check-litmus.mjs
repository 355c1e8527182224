#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Litmus tests of the memory model on arm64 vCPUs on separate threads: runs until there
// are enough outcomes, and prints one line for each test. `node scripts/check-litmus.mjs
// [outcomes of two vCPUs] [of four]`, by default 10 and 1 million. Exit status 1 for a
// forbidden outcome, or when no weak one was seen.

import { Host, virtBoard } from '../dist/vmm/api/index.js';
import { CELLS, HISTOGRAM, LITMUS_TESTS, litmusImage, litmusOutcomes } from './litmus-programs.mjs';

const [two = 1e7, four = 1e6] = process.argv.slice(2).map(Number);
/** Most batches of one machine. */
const MOST_BATCHES = 500;

/** @param {import('./litmus-programs.mjs').LitmusTest} test @param {number} batches */
async function runTest(test, batches) {
  const host = await Host.create();
  try {
    const machine = await host.createMachine({
      guest: litmusImage(test, batches),
      board: virtBoard(),
      vcpus: test.vcpus.length,
      memory: 64,
      transport: 'mailbox',
    });
    await machine.boot();
    const { status } = await machine.wait();
    const bytes = machine.readMemory(HISTOGRAM, 4 * 256);
    if (status !== 'off' || !bytes)
      throw new Error(`${test.name}: the machine ended ${status}: ${machine.error?.message ?? ''}`);
    return litmusOutcomes(test, new Uint32Array(bytes.buffer));
  } finally {
    await host.destroy();
  }
}

let weak = 0;
for (const test of LITMUS_TESTS) {
  const wanted = test.vcpus.length === 2 ? two : four;
  let [outcomes, kinds, forbidden, own] = [0, 0, 0, 0];
  while (outcomes < wanted) {
    const batches = Math.min(MOST_BATCHES, Math.ceil((wanted - outcomes) / CELLS));
    const found = await runTest(test, batches);
    outcomes += found.outcomes;
    kinds = Math.max(kinds, found.kinds);
    forbidden += found.forbidden;
    own += found.weak;
  }
  weak += own;
  if (forbidden > 0) process.exitCode = 1;
  const also = test.weak ? `, ${own} weak ones` : '';
  console.log(
    `${forbidden > 0 ? 'FAILED' : 'ok    '} ${test.name}: ${outcomes} outcomes, ` +
      `${kinds} of them different, ${forbidden} forbidden${also}`,
  );
}
if (weak === 0) {
  console.log('FAILED no weak outcome was seen');
  process.exitCode = 1;
}
