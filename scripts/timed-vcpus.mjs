// SPDX-License-Identifier: MIT
// How long the threads of arm64 vCPUs run until they see that a lock has been released:
// four vCPUs contend for a queued lock, and wait by WFE. Linux only.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARM64_X } from '../dist/assembly/layout/arm64-state.js';
import { Host, virtBoard } from '../dist/vmm/api/index.js';
import { assembleProgram } from '../dist/vmm/vcpu/arm64/index.js';
import { COUNTER, LOCK, NODES, queuedLockSource } from './queued-lock.mjs';

/** A hypercall that notes X1, one of KINDS, and X2, the number of the hand-over. */
export const TIMED_CALL = 0x8600_7777;
export const KINDS = /** @type {const} */ ({ nap: 0, before: 1, after: 2, seen: 3 });
/** Places of registers in a vCPU's block. */
export const VCPU_BLOCK = { x0: ARM64_X, x1: ARM64_X + 8, x2: ARM64_X + 16 };

const VCPUS = 4;

/** @param {number} kind The hand-over is in W7. */
const noteOf = (kind) => `
movz x0, #${TIMED_CALL % 0x10000}
movk x0, #${Math.floor(TIMED_CALL / 0x10000)}, lsl #16
mov x1, #${kind}
mov w2, w7
hvc #0`;

/**
 * The lock. Hand-over n is that after which the count of owners is n + 1.
 * @param {number} rounds of each vCPU
 */
const program = (rounds) =>
  assembleProgram(
    queuedLockSource({
      vcpus: VCPUS,
      rounds,
      waited: `ldr w7, [x20, #${COUNTER}]${noteOf(KINDS.seen)}`,
      releasing: noteOf(KINDS.before),
      released: noteOf(KINDS.after),
    }),
  );

/** The longest that a waiter's thread may run. */
export const LIMIT_NS = 2e6;
/**
 * Share of waits that may seem longer. The thread that releases the lock may lose its
 * core just before it does, and the kernel counts as running what interrupts and a
 * hypervisor take from a thread.
 */
const MOST_LATE = 0.05;
/**
 * True when the times of `lockWaits` are within the limit.
 * @param {readonly { most: number }[]} waits
 */
export const areInTime = (waits) =>
  waits.filter(({ most }) => most > LIMIT_NS).length <= MOST_LATE * waits.length;

/** @typedef {{ kind: number, handOver: number, at: number, ran: number }} Note */

/** The notes of a thread, in order. @param {string} file @returns {Note[]} */
function notesOf(file) {
  const bytes = readFileSync(file);
  const words = new Float64Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  );
  return Array.from({ length: words.length / 4 }, (_, i) => {
    const [kind = 0, handOver = 0, at = 0, ran = 0] = words.subarray(4 * i, 4 * i + 4);
    return { kind, handOver, at, ran };
  });
}

/**
 * The waits of a thread, in ns of its running time from the release on: it is at least
 * `least`, at most `most`. A thread does not run longer than time passes.
 * @param {Note[]} notes of the thread that waits
 * @param {Map<number, Note>} before @param {Map<number, Note>} after of each hand-over
 */
function* waitsOf(notes, before, after) {
  const known = notes.filter(({ kind }) => kind === KINDS.nap || kind === KINDS.seen);
  for (const [i, seen] of known.entries()) {
    const [start, end] = [before.get(seen.handOver), after.get(seen.handOver)];
    if (seen.kind !== KINDS.seen || !start || !end) continue;
    const earlier = known.slice(Math.max(0, i - 1000), i).reverse();
    const last = (/** @type {Note} */ note) => earlier.find(({ at }) => at <= note.at);
    const [first, second] = [last(start), last(end)];
    if (!first || !second) continue;
    const ran = seen.ran - second.ran - (end.at - second.at);
    yield { least: Math.max(0, ran), most: seen.ran - first.ran };
  }
}

/**
 * The running times of waiters.
 * @param {number} rounds of each of the four vCPUs
 */
export async function lockWaits(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'vsmmu-waits-'));
  const { TIMED_VCPUS } = process.env;
  process.env.TIMED_VCPUS = folder;
  const host = await Host.create({
    workerUrl: { vcpu: new URL('./timed-vcpu-worker.mjs', import.meta.url) },
  });
  try {
    const machine = await host.createMachine({
      guest: program(rounds),
      board: virtBoard(),
      vcpus: VCPUS,
      memory: 16,
      transport: 'mailbox',
    });
    await machine.boot();
    const { status, reason } = await machine.wait();
    const counts = machine.readMemory(LOCK, NODES)?.slice(COUNTER, COUNTER + 4);
    const owners = counts && new DataView(counts.buffer).getUint32(0, true);
    if (status !== 'off' || owners !== VCPUS * rounds)
      throw new Error(`the machine ended ${status} after ${owners} owners: ${reason}`);
    const threads = readdirSync(folder).map((name) => notesOf(join(folder, name)));
    const handOvers = (/** @type {number} */ kind) =>
      new Map(
        threads
          .flat()
          .filter((note) => note.kind === kind)
          .map((note) => [note.handOver, note]),
      );
    const [before, after] = [handOvers(KINDS.before), handOvers(KINDS.after)];
    return threads.flatMap((notes) => [...waitsOf(notes, before, after)]);
  } finally {
    await host.destroy();
    if (TIMED_VCPUS === undefined) delete process.env.TIMED_VCPUS;
    else process.env.TIMED_VCPUS = TIMED_VCPUS;
    rmSync(folder, { recursive: true });
  }
}
