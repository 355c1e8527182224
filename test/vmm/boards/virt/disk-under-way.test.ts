// SPDX-License-Identifier: MIT
// Calls of the API while a guest's request to a disk is under way: a guest of its own reads
// 256 KiB, and the disk itself makes the calls, in the middle of the request.

import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Disk } from '../../../../devices/virtio/index.ts';
import { Host, type Machine } from '../../../../vmm/api/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/index.ts';

const RINGS = 0x4020_0000;
const DATA = 0x4021_0000;
const LENGTH = 0x4_0000;
/** Reads of the disk, of 32 KiB each, of which a turn of the device makes one. */
const READS = 8;

/** Writes registers of the device at x1, as pairs of an offset and a value. */
const registers = (pairs: readonly (readonly [number, number])[]) =>
  pairs.map(([offset, value]) => `mov x2, #${value}\nstr w2, [x1, #${offset}]`).join('\n');

/** Describes a buffer at x4, and advances x4; `gpa` computes its address in x5. */
const descriptor = (gpa: string, length: number, flags: number, next: number) => `${gpa}
str x5, [x4]
mov x5, #${length}
str w5, [x4, #8]
mov x5, #${flags}
strh w5, [x4, #12]
mov x5, #${next}
strh w5, [x4, #14]
add x4, x4, #16`;

/** x3: descriptors; then at + 0x1000 and + 0x2000 the rings, at + 0x3000 the header. */
const GUEST = assembleProgram(`
mov x1, #0x0a000000
mov x3, #${RINGS}
str xzr, [x3, #0x1000]
add x6, x3, #2, lsl #12
str xzr, [x6]
add x7, x3, #3, lsl #12
str xzr, [x7]
str xzr, [x7, #8]
mov x4, x3
${descriptor('mov x5, x7', 16, 1, 1)}
${descriptor('add x5, x3, #0x10, lsl #12', LENGTH, 3, 2)}
${descriptor('add x5, x7, #0x20', 1, 2, 0)}
add x8, x3, #1, lsl #12
mov x2, #0x10000
str w2, [x8]
${registers([
  [0x70, 0],
  [0x70, 1],
  [0x70, 3],
  [0x24, 1],
  [0x20, 3],
  [0x70, 11],
  [0x30, 0],
  [0x38, 8],
])}
str w3, [x1, #0x80]
str w8, [x1, #0x90]
str w6, [x1, #0xa0]
mov x2, #1
str w2, [x1, #0x44]
mov x2, #15
str w2, [x1, #0x70]
str wzr, [x1, #0x50]
wait:
ldrh w2, [x6, #2]
cbz w2, wait
mov x0, #0x84000000
add x0, x0, #8
hvc #0
`);

const OFF = { status: 'off' } as const;

let host: Host;
let machine: Machine;
/** Called by each read of the disk, with its number. */
let onRead: (call: number) => void;
let reads: number;

/** A machine with the guest, and a disk of which each read is told. */
async function machineOf(own: Host, onDiskRead: () => void): Promise<Machine> {
  const disk: Disk = {
    size: LENGTH,
    readOnly: true,
    read(_offset, target) {
      onDiskRead();
      target.fill(0x5a);
    },
    write: () => undefined,
    flush: () => undefined,
  };
  return await own.createMachine({
    guest: GUEST,
    board: virtBoard({ disks: [disk] }),
    memory: 16,
  });
}

beforeEach(async () => {
  reads = 0;
  onRead = () => undefined;
  host = await Host.create();
  machine = await machineOf(host, () => {
    reads++;
    onRead(reads);
  });
});
afterEach(async () => {
  await host.destroy();
});

/** Index of the used ring, bytes written, status byte, and the last byte of the data. */
function result() {
  const bytes = (gpa: number, length: number) => {
    const copy = machine.readMemory(gpa, length) ?? new Uint8Array(length);
    return new DataView(copy.buffer, copy.byteOffset, length);
  };
  return [
    bytes(RINGS + 0x2002, 2).getUint16(0, true),
    bytes(RINGS + 0x2008, 4).getUint32(0, true),
    bytes(RINGS + 0x3020, 1).getUint8(0),
    bytes(DATA + LENGTH - 1, 1).getUint8(0),
  ];
}

/** Makes a call in a read of the disk, and resolves with its result. */
const inRead = <T>(which: number, call: () => Promise<T>) =>
  new Promise<T>((resolve) => {
    onRead = (read) => {
      if (read === which) resolve(call());
    };
  });

/** Lets pass the turns in which a machine of another host does all of this. */
async function letOthersRun(): Promise<void> {
  let others = 0;
  const other = await Host.create();
  const running = await machineOf(other, () => others++);
  await running.boot();
  expect(await running.wait()).toMatchObject(OFF);
  await other.destroy();
  expect(others).toBe(READS);
}

const DONE = [1, LENGTH + 1, 0, 0x5a];

it('a request of many turns completes', async () => {
  await machine.boot();
  expect(await machine.wait()).toMatchObject(OFF);
  expect([result(), reads]).toEqual([DONE, READS]);
});

it('a pause in its middle holds it there, and it continues afterwards', async () => {
  const paused = inRead(1, () => machine.pause());
  await machine.boot();
  await paused;
  const before = [result(), reads];
  await letOthersRun();
  expect([result(), reads]).toEqual(before);
  expect(before[0]).not.toEqual(DONE);
  machine.resume();
  expect(await machine.wait()).toMatchObject(OFF);
  expect([result(), reads]).toEqual([DONE, READS]);
});

it('single steps lead through it', async () => {
  await machine.boot({ paused: true });
  let steps = 0;
  while (machine.status !== 'off' && steps < 100) {
    await machine.step();
    steps++;
  }
  expect([machine.status, result(), reads]).toEqual(['off', DONE, READS]);
});

it('a stop in its middle ends it', async () => {
  const stopped = inRead(3, () => machine.stop('enough'));
  await machine.boot();
  expect(await machine.wait()).toMatchObject({ status: 'stopped', reason: 'enough' });
  await stopped;
  const seen = result();
  expect(seen).not.toEqual(DONE);
  await letOthersRun();
  expect([result(), reads < READS]).toEqual([seen, true]);
});

it('a reset in its middle leaves nothing of it, and it boots again', async () => {
  const reset = inRead(3, () => machine.reset());
  await machine.boot();
  await reset;
  expect([machine.status, result()]).toEqual(['new', [0, 0, 0, 0]]);
  const before = reads;
  await machine.boot();
  expect(await machine.wait()).toMatchObject(OFF);
  expect([result(), reads]).toEqual([DONE, before + READS]);
});

it.each([
  ['machine', () => machine.destroy()],
  ['host', () => host.destroy()],
])('its %s can be destroyed in its middle', async (_what, destroy) => {
  const destroyed = inRead(1, destroy);
  await machine.boot();
  await destroyed;
  await letOthersRun();
  expect(reads).toBeLessThan(READS);
});

it('a read that fails is an I/O error of the guest', async () => {
  onRead = (call) => {
    if (call === 2) throw new Error('the cable is out');
  };
  await machine.boot();
  expect(await machine.wait()).toMatchObject(OFF);
  // The first part is there.
  expect([result(), reads]).toEqual([[1, 0x8001, 1, 0], 2]);
});
