#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Kernels with pages of 4, 16 and 64 KiB and addresses of 39 and 48 bits, built if
// necessary, each booted as guest and as host, with 1, 2 and 4 vCPUs, on all invalidation
// paths, with strict, lazy and no translation, and with Grace's registers. Checks the
// output of each boot and its exits. Needs `npm run build`. Arguments: names of kernels,
// to check only those.

import { bootProblems } from './boot-problems.mjs';
import { CheckList } from './check-list.mjs';
import { builtKernel, KERNELS } from './kernels.mjs';

const VCPUS = [1, 2, 4];
const PLACES = /** @type {const} */ ([
  { role: 'guest', path: 'direct' },
  { role: 'guest', path: 'trapped' },
  { role: 'guest', path: 'overlay' },
  { role: 'host', path: 'direct' },
  { role: 'host', path: 'trapped' },
]);
const KINDS = /** @type {const} */ ([
  { policy: 'strict', idRegisters: 'default' },
  { policy: 'strict', idRegisters: 'grace' },
  { policy: 'lazy', idRegisters: 'default' },
  { policy: 'passthrough', idRegisters: 'default' },
]);

const asked = process.argv.slice(2);
const unknown = asked.find((one) => !KERNELS.some(({ name }) => name === one));
if (unknown !== undefined) {
  const names = KERNELS.map(({ name }) => name).join(', ');
  console.error(`check-kernels: there is no kernel ${unknown}; there are ${names}`);
  process.exit(2);
}
const list = new CheckList();
for (const kernel of KERNELS) {
  if (asked.length > 0 && !asked.includes(kernel.name)) continue;
  const built = builtKernel(kernel);
  for (const vcpus of VCPUS)
    for (const place of PLACES)
      for (const { policy, idRegisters } of KINDS) {
        const { run, problems } = await bootProblems(
          built,
          { ...place, vcpus, idRegisters },
          policy,
        );
        const { unmapNs = 0, exits = 0, syncs = 0 } = run?.benchmarks[0] ?? {};
        const registers = idRegisters === 'grace' ? ', grace' : '';
        list.add(
          `${kernel.name}, ${vcpus} vCPUs, ${place.role}, ${place.path}, ${policy}${registers}`,
          problems,
          `unmap ${unmapNs} instructions, ${syncs} CMD_SYNCs, ${exits} exits`,
        );
      }
}
list.end();
