// SPDX-License-Identifier: MIT
// A vCPU on a thread of its own that takes interrupts and sleeps between them, like Linux
// with EOImode 0.

import { parentPort, workerData } from 'node:worker_threads';

const ICC_PMR_EL1 = 0xc230;
const ICC_IAR1_EL1 = 0xc660;
const ICC_EOIR1_EL1 = 0xc661;
const ICC_IGRPEN1_EL1 = 0xc667;
/** GIC_CPU_ASLEEP in the block of vCPU 0. */
const ASLEEP = 0x3000 + 0x108;

const { module, memory, at, vcpu, pendingAt, stopAt, takenAt } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const gic = /** @type {import('../../../assembly/load.ts').Gicv3Exports} */ (
  /** @type {unknown} */ (exports)
);
const words = new Int32Array(memory.buffer);
const pending = pendingAt / 4;
const stop = stopAt / 4;
const asleep = (at + ASLEEP + 0x200 * vcpu) / 4;
/**
 * INTIDs that another vCPU was handling at the same time.
 * @type {number[]}
 */
const doubled = [];

function handleAll() {
  while (gic.irqAsserted(at, vcpu) !== 0) {
    const intid = Number(gic.iccRead(at, vcpu, ICC_IAR1_EL1));
    if (intid === 1023) continue;
    const handlers = takenAt / 4 + 2 * intid;
    if (Atomics.add(words, handlers, 1) !== 0) doubled.push(intid);
    Atomics.add(words, handlers + 1, 1);
    Atomics.sub(words, handlers, 1);
    gic.iccWrite(at, vcpu, ICC_EOIR1_EL1, BigInt(intid));
  }
}

gic.iccWrite(at, vcpu, ICC_PMR_EL1, 0xf0n);
gic.iccWrite(at, vcpu, ICC_IGRPEN1_EL1, 1n);
parentPort?.postMessage('ready');
while (Atomics.load(words, stop) === 0) {
  handleAll();
  Atomics.store(words, asleep, 1);
  Atomics.wait(words, pending, 0);
  Atomics.store(words, asleep, 0);
}
parentPort?.postMessage(doubled);
