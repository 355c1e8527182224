#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Boots the kernel of `npm run linux:build` many times, with 1, 2 and 4 vCPUs that take
// turns or run on a thread each. No boot is like another: memory, role and path change.
// Needs `npm run build`. Argument: number of boots, by default 50.

import { bootProblems } from './boot-problems.mjs';
import { CheckList, countArgument } from './check-list.mjs';
import { builtKernel, KERNEL } from './kernels.mjs';

const MACHINES = /** @type {const} */ ([
  { vcpus: 1, transport: 'inline' },
  { vcpus: 1, transport: 'mailbox' },
  { vcpus: 2, transport: 'inline' },
  { vcpus: 2, transport: 'mailbox' },
  { vcpus: 4, transport: 'inline' },
  { vcpus: 4, transport: 'mailbox' },
]);
const PLACES = /** @type {const} */ ([
  { role: 'guest', path: 'direct' },
  { role: 'host', path: 'direct' },
  { role: 'guest', path: 'overlay' },
]);
const LEAST_MEMORY = 128;

const count = countArgument(50, 'check-boots: the number of boots');
const built = builtKernel(KERNEL);
const list = new CheckList();
for (let i = 0; i < count; i++) {
  const machine = MACHINES[i % MACHINES.length];
  const place = PLACES[Math.floor(i / MACHINES.length) % PLACES.length];
  // Each boot has its pages in other places.
  const memory = LEAST_MEMORY + 2 * i;
  const { problems } = await bootProblems(built, { ...machine, ...place, memory });
  const { vcpus, transport } = machine ?? {};
  list.add(
    `boot ${i + 1}, ${vcpus} vCPUs, ${transport}, ${place?.role}, ${place?.path}, ${memory} MiB`,
    problems,
  );
}
list.end();
