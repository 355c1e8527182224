#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Time from the start of a machine (256 MB, one vCPU, a quiet kernel) to the first byte
// from init, and that of the same kernel on QEMU, in turns; the fastest of several starts
// counts. Fails if a start takes a second, or twice as long as on QEMU. Its results are
// of the computer's time: run it on a quiet computer. Needs `npm run build`. Argument:
// number of starts, by default 5.

import { runLinux } from '../../dist/cli/linux-run.js';
import { runQemu } from '../../dist/cli/qemu-run.js';
import { CheckList, countArgument, NOTE } from './check-list.mjs';
import { builtKernel, builtPaths, KERNEL } from './kernels.mjs';

const LIMIT_SECONDS = 1;
const APPEND = 'console=ttyAMA0 quiet vsmmu.run="echo started"';

const rounds = countArgument(5, 'check-start: the number of starts');
const paths = builtPaths(KERNEL);
const files = builtKernel(KERNEL);
const seconds = (/** @type {number} */ ns) => `${(ns / 1e9).toFixed(2)} s`;

let ours = Number.POSITIVE_INFINITY;
let qemus = Number.POSITIVE_INFINITY;
let hasQemu = true;
for (let i = 0; i < rounds; i++) {
  const run = await runLinux({ ...files, append: APPEND, memory: 256 });
  if (!/^started/.test(run.console)) throw new Error(`the kernel was not quiet:\n${run.console}`);
  ours = Math.min(ours, run.firstOutputNs ?? Number.POSITIVE_INFINITY);
  const other = hasQemu ? await runQemu({ ...paths, append: APPEND, vcpus: 1 }) : undefined;
  hasQemu = other !== undefined;
  qemus = Math.min(qemus, other?.firstOutputNs ?? Number.POSITIVE_INFINITY);
}
const list = new CheckList();
list.add(
  `start to init's first byte under ${LIMIT_SECONDS} s`,
  ours / 1e9 < LIMIT_SECONDS ? [] : ['too slow'],
  seconds(ours),
);
if (hasQemu) {
  const problems = ours < 2 * qemus ? [] : ['too slow'];
  list.add(
    'start under twice the time of QEMU',
    problems,
    `${seconds(ours)}, QEMU ${seconds(qemus)}`,
  );
} else console.log('skipped: qemu-system-aarch64 is not installed');
console.log(
  `${NOTE}${seconds(ours)} to init's first byte${hasQemu ? `, on QEMU ${seconds(qemus)}` : ''}`,
);
list.end();
