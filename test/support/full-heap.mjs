// SPDX-License-Identifier: MIT
// A process whose host has a machine that fills its heap with objects, and a neighbour:
// `full-heap.mjs FILLER NEIGHBOUR`. Prints their states in one line, as JSON, if the
// process survives.

import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { Host } from 'vsmmu';

const [filler, counter] = await Promise.all(process.argv.slice(2).map((file) => readFile(file)));
const COUNT = 0x100000 >> 2;
const host = await Host.create();
/** @param {import('vsmmu').MachineOptions} options */
const run = async (options) => {
  const machine = await host.createMachine(options);
  await machine.boot();
  return machine;
};
const neighbours = [
  await run({ guest: counter, transport: 'mailbox' }),
  await run({ guest: counter, transport: 'inline' }),
];
const counts = () =>
  neighbours.map(({ memory }) => Atomics.load(new Int32Array(memory.buffer), COUNT));
const full = await run({ guest: filler, transport: 'mailbox', allowGc: true });
const end = await full.wait();
const before = counts();
/** @param {() => boolean} isSo */
const go = async (isSo) => {
  for (let i = 0; i < 2000 && !isSo(); i++) await setTimeout(5);
  return isSo();
};
const goOn = await go(() => counts().every((count, i) => count !== before[i]));
const late = await run({ guest: counter, transport: 'mailbox' });
neighbours.push(late);
const starts = await go(() => counts()[2] !== 0);
const states = neighbours.map(({ status }) => status);
await full.destroy();
await host.destroy();
console.log(JSON.stringify({ status: end.status, reason: end.reason, goOn, starts, states }));
