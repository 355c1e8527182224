// SPDX-License-Identifier: MIT
// How long the threads of arm64 vCPUs run until they see that a lock has been released:
// four vCPUs contend for a queued lock, and wait by WFE. Linux only.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARM64_X } from '../dist/assembly/layout/arm64-state.js';
import { Host, virtBoard } from '../dist/vmm/api/index.js';
import { assembleProgram } from '../dist/vmm/vcpu/arm64/index.js';

/** A hypercall that notes X1, one of KINDS, and X2, the number of the hand-over. */
export const TIMED_CALL = 0x8600_7777;
export const KINDS = /** @type {const} */ ({ nap: 0, before: 1, after: 2, seen: 3 });
/** Places of registers in a vCPU's block. */
export const VCPU_BLOCK = { x0: ARM64_X, x1: ARM64_X + 8, x2: ARM64_X + 16 };

const VCPUS = 4;
const LOCK = 0x40300000;
const [COUNTER, ENDED, NODES] = [0x40, 0xc0, 0x1000];

/** @param {number} kind The hand-over is in W7. */
const noteOf = (kind) => `
movz x0, #${TIMED_CALL % 0x10000}
movk x0, #${Math.floor(TIMED_CALL / 0x10000)}, lsl #16
mov x1, #${kind}
mov w2, w7
hvc #0`;

/**
 * A queued lock as Linux's spinlocks are: each vCPU waits on a word of its own, and the
 * release is a store to it. Hand-over n is that after which the count of owners is n + 1.
 * @param {number} rounds of each vCPU
 */
const program = (rounds) =>
  assembleProgram(`
mov w19, #1
start:
movz x0, #3
movk x0, #0xc400, lsl #16
mov x1, x19
adr x2, begin
mov x3, x19
hvc #0
add w19, w19, #1
cmp w19, #${VCPUS}
b.lo start
mov x0, #0
begin:
movz x20, #${LOCK / 0x10000}, lsl #16
movz x21, #${NODES}
add x21, x21, x0, lsl #8
add x21, x20, x21
add x22, x21, #8
movz w23, #${rounds}
again:
str xzr, [x21]
mov w2, #1
str w2, [x22]
mov x3, x21
swpal x3, x3, [x20]
cbz x3, owned
stlr x21, [x3]
hint #5
wait:
wfe
ldaxr w4, [x22]
cbnz w4, wait
ldr w7, [x20, #${COUNTER}]
${noteOf(KINDS.seen)}
owned:
ldr w7, [x20, #${COUNTER}]
add w7, w7, #1
mov w8, #500
inside:
subs w8, w8, #1
b.ne inside
str w7, [x20, #${COUNTER}]
ldar x9, [x21]
cbnz x9, pass
mov x10, x21
casal x10, xzr, [x20]
cmp x10, x21
b.eq released
next:
ldar x9, [x21]
cbz x9, next
pass:
${noteOf(KINDS.before)}
add x9, x9, #8
stlr wzr, [x9]
${noteOf(KINDS.after)}
released:
subs w23, w23, #1
b.ne again
add x9, x20, #${ENDED}
mov w11, #1
ldaddal w11, w12, [x9]
cmp w12, #${VCPUS - 1}
b.ne sleep
movz x0, #8
movk x0, #0x8400, lsl #16
hvc #0
sleep:
wfi
b sleep
`);

/** The longest that a waiter's thread may run. */
export const LIMIT_NS = 2e6;
/**
 * Share of waits that may seem longer. The thread that releases the lock may lose its core
 * just before it does, and the kernel counts as running what interrupts and a hypervisor
 * take from a thread.
 */
const MOST_LATE = 0.05;
/** True when the times of `lockWaits` are within the limit. @param {readonly { most: number }[]} waits */
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
