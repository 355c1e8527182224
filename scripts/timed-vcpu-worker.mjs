// SPDX-License-Identifier: MIT
// A worker of an arm64 vCPU that notes how long its thread has run: when it naps, and at
// calls of its guest (TIMED_CALL), which do not leave the thread. Linux only. At the end
// of a run it writes them to a file of the folder in TIMED_VCPUS.

import { openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { Arm64VcpuThread } from '../dist/vmm/threads/arm64-vcpu-thread.js';
import { MailboxClient } from '../dist/vmm/threads/mailbox.js';
import { Arm64Block } from '../dist/vmm/vcpu/arm64/index.js';
import { KINDS, TIMED_CALL, VCPU_BLOCK } from './timed-vcpus.mjs';

/** Per note: kind, hand-over, time in ns, running time of the thread in ns. */
const WORDS = 4;
const notes = new Float64Array(WORDS * 2 ** 18);
let count = 0;
const idle = new Int32Array(new SharedArrayBuffer(4));
const SHORT_NAP_MS = 0.01;

const file = openSync('/proc/thread-self/schedstat', 'r');
const bytes = new Uint8Array(64);
/** Of several tries: the thread may have waited between the two readings. */
const origin = Math.max(
  ...Array.from({ length: 100 }, () => Number(process.hrtime.bigint()) - performance.now() * 1e6),
);
const [DIGIT, DIGITS] = [0x30, 10];

/**
 * Nanoseconds for which this thread has run, as of its last nap: the kernel updates them
 * then. No allocation, which could collect garbage.
 */
function runningNs() {
  readSync(file, bytes, 0, bytes.length, 0);
  let value = 0;
  for (let i = 0; ; i++) {
    const digit = (bytes[i] ?? 0) - DIGIT;
    if (digit < 0 || digit >= DIGITS) return value;
    value = value * DIGITS + digit;
  }
}

/** @param {number} kind @param {number} handOver @param {boolean} [withRunning] */
function note(kind, handOver, withRunning = true) {
  if (count + WORDS > notes.length) return;
  const now = origin + performance.now() * 1e6;
  notes[count] = kind;
  notes[count + 1] = handOver;
  notes[count + 2] = now;
  notes[count + 3] = withRunning ? runningNs() : 0;
  count += WORDS;
}

/** The vCPU's registers, once it has napped. @type {Arm64Block | undefined} */
let block;

// Compiled before a note counts.
for (let i = 0; i < 1000; i++) note(KINDS.nap, 0);
count = 0;

const { sleep } = Arm64Block.prototype;
Arm64Block.prototype.sleep = function (pending, ms) {
  block = this;
  sleep.call(this, pending, ms);
  note(KINDS.nap, 0);
};

const { open, post } = MailboxClient.prototype;
let call = 0;
MailboxClient.prototype.open = function (number, length) {
  call = number;
  open.call(this, number, length);
};
MailboxClient.prototype.post = function () {
  const isTimed = call === 1 && block?.long(VCPU_BLOCK.x0) === BigInt(TIMED_CALL);
  if (!isTimed || !block) return post.call(this);
  const kind = block.word(VCPU_BLOCK.x1);
  if (kind === KINDS.seen) Atomics.wait(idle, 0, 0, SHORT_NAP_MS);
  note(kind, block.word(VCPU_BLOCK.x2), kind === KINDS.seen);
  // It has returned.
  return 0;
};

const { run } = Arm64VcpuThread.prototype;
Arm64VcpuThread.prototype.run = function () {
  try {
    return run.call(this);
  } finally {
    const { TIMED_VCPUS } = process.env;
    if (TIMED_VCPUS)
      writeFileSync(join(TIMED_VCPUS, `${threadId}`), new Uint8Array(notes.buffer, 0, 8 * count));
  }
};

await import('../dist/vmm/threads/vcpu-worker.js');
