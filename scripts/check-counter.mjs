#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Two arm64 vCPUs on separate threads hand over to each other and read CNTVCT_EL0 each
// time, which must not go backward. `node scripts/check-counter.mjs [hand-overs]`, by
// default a million, in machines of 100,000 each. Exit status 1 when it does.

import { Host, virtBoard } from '../dist/vmm/api/index.js';
import { handOverImage, handOverResults } from './counter-hand-overs.mjs';

const [wanted = 1e6] = process.argv.slice(2).map(Number);
const OF_ONE_MACHINE = 1e5;

const host = await Host.create();
let [done, backward, worst] = [0, 0, 0];
const start = performance.now();
while (done < wanted) {
  const count = Math.min(OF_ONE_MACHINE, 2 * Math.ceil((wanted - done) / 2));
  const machine = await host.createMachine({
    guest: handOverImage(count),
    board: virtBoard(),
    vcpus: 2,
    memory: 16,
    transport: 'mailbox',
  });
  await machine.boot();
  const { status } = await machine.wait();
  const found = handOverResults(machine);
  if (status !== 'off' || found.handOvers !== count)
    throw new Error(`the machine ended ${status} after ${found.handOvers} hand-overs`);
  done += count;
  backward += found.backward;
  worst = Math.max(worst, found.worst);
  await machine.destroy();
}
await host.destroy();
const seconds = ((performance.now() - start) / 1000).toFixed(1);
const by = backward > 0 ? `, by up to ${worst} ns` : '';
console.log(
  `${backward > 0 ? 'FAILED' : 'ok    '} ${done} hand-overs in ${seconds} s: ${backward} steps backward${by}`,
);
if (backward > 0) process.exitCode = 1;
