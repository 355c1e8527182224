// SPDX-License-Identifier: MIT
// Machines whose vCPUs have threads of their own: exits, failures, pause, stop, reset,
// and the handshake of direct maps.

import { afterEach, describe, expect, it } from 'vitest';
import {
  ABI_AT_IRQ_EDGE,
  ABI_AT_MAP_ACK,
  ABI_AT_MAP_EPOCH,
  ABI_AT_VCPU_EXITS,
} from '../../../assembly/layout/guest-abi.ts';
import type { DirectMap } from '../../../devices/plugin/index.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';
import {
  type ThreadMachine,
  type ThreadMachineOptions,
  threadMachine,
} from '../../support/thread-machine.ts';
import {
  assemble,
  GUEST_PAGES,
  IMPORT_READ32,
  IMPORT_WRITE32,
  reactor,
} from '../../support/wat.ts';

const GPA = 0x09000000;
const DATA = 0x100000;
/** Two words at DATA: the number of exits, and a word that ends the loop. */
const STOP = DATA + 4;

/** Reads a register until the word at STOP is set. */
const READING = reactor(
  `(func $run (param i32) (result i32)
    (loop $again
      (drop (call $read32 (i32.const ${GPA})))
      (i32.atomic.store (i32.const ${DATA}) (i32.add (i32.load (i32.const ${DATA})) (i32.const 1)))
      (br_if $again (i32.eqz (i32.atomic.load (i32.const ${STOP})))))
    (i32.const 2))`,
  IMPORT_READ32,
);
/** Never leaves the guest. */
const ENDLESS = reactor(`(func $run (param i32) (result i32) (loop $again
  (i32.atomic.store (i32.const ${DATA}) (i32.const 1)) (br $again)) (i32.const 2))`);

const machines: ThreadMachine[] = [];
async function start(options: ThreadMachineOptions): Promise<ThreadMachine> {
  const made = await threadMachine(options);
  machines.push(made);
  await made.machine.boot();
  return made;
}
afterEach(async () => {
  for (const { machine } of machines.splice(0)) await machine.reset();
});

const placed = (device: ScratchDevice) => [{ device, addresses: [GPA], firstIrq: 3 }];
const wordsOf = ({ machine }: ThreadMachine) => new Int32Array(machine.memory.buffer);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when a word of guest memory differs from `from`. */
async function changed(words: Int32Array, address: number, from: number): Promise<void> {
  for (
    const limit = performance.now() + 5000;
    Atomics.load(words, address >> 2) === from;
    await sleep(1)
  ) {
    if (performance.now() > limit)
      throw new Error(`the word at 0x${address.toString(16)} stays ${from}`);
  }
}

describe('a vCPU on its own thread', () => {
  it('executes and counts its accesses as inline', async () => {
    const device = new ScratchDevice();
    const guest = reactor(
      `(func $run (param i32) (result i32)
        (drop (call $read32 (i32.const ${GPA + 0x10})))
        (i64.store (i32.const ${DATA}) (call $read64 (i32.const ${GPA + 0x18})))
        (call $write32 (i32.const ${GPA + 4}) (i32.const -1))
        (call $wait (i32.const 1))
        (drop (call $clock))
        (i32.const 2))`,
      `${IMPORT_READ32} ${IMPORT_WRITE32} (import "vsmmu" "mmio_read64" (func $read64 (param i32) (result i64)))
       (import "vsmmu" "wait" (func $wait (param i32))) (import "vsmmu" "clock_ns" (func $clock (result f64)))`,
    );
    const made = await start({ guest, devices: placed(device) });
    expect(await made.machine.run()).toBe('off');
    expect(made.machine.exitStatistics).toMatchObject({
      total: 5,
      byKind: { mmio: 3, wait: 1, clock: 1 },
    });
    expect(device.accesses.map(({ offset, size, lo }) => [offset, size, lo])).toEqual([
      [0x10, 4, 0],
      [0x18, 8, 0],
      [4, 4, 0xffffffff],
    ]);
    expect([...new Uint32Array(made.machine.memory.buffer, DATA, 2)]).toEqual([
      0x80000018, 0xffffffff,
    ]);
    expect(wordsOf(made)[ABI_AT_VCPU_EXITS >> 2]).toBe(5);
  });

  it('that traps, or runs into a device that throws, fails its machine and names the part', async () => {
    const trapping = await start({
      guest: reactor('(func $run (param i32) (result i32) unreachable)'),
    });
    expect(await trapping.machine.run()).toBe('failed');
    expect(trapping.machine.error?.message).toBe('guest vCPU 0: unreachable');
    const throwing = await start({
      guest: reactor('(tag $t) (func $run (param i32) (result i32) (throw $t))'),
    });
    expect(await throwing.machine.run()).toBe('failed');
    expect(throwing.machine.error?.message).toBe(
      'guest vCPU 0: the guest threw an exception that nothing caught',
    );

    const broken = new ScratchDevice({
      name: 'broken',
      onRead: () => {
        throw new Error('no such luck');
      },
    });
    const unlucky = await start({ guest: READING, devices: placed(broken) });
    expect(await unlucky.machine.run()).toBe('failed');
    expect(unlucky.machine.error?.message).toBe('broken: no such luck');
  });

  it('that is killed fails its machine; another one continues', async () => {
    const victim = await start({ guest: READING, devices: placed(new ScratchDevice()) });
    const other = await start({ guest: READING, devices: placed(new ScratchDevice()) });
    const runs = [victim.machine.run(), other.machine.run()];
    await changed(wordsOf(victim), DATA, 0);
    await victim.threads.kill();
    expect(await runs[0]).toBe('failed');
    expect(victim.machine.error?.message).toMatch(/^guest vCPU 0: its thread ended/);
    const before = Atomics.load(wordsOf(other), DATA >> 2);
    await changed(wordsOf(other), DATA, before);
    Atomics.store(wordsOf(other), STOP >> 2, 1);
    expect(await runs[1]).toBe('off');
  });

  it('stops at an exit, or is terminated where it makes none; and boots again', async () => {
    for (const guest of [READING, ENDLESS]) {
      const made = await start({ guest, devices: placed(new ScratchDevice()) });
      const run = made.machine.run();
      await changed(wordsOf(made), DATA, 0);
      const stopped = performance.now();
      made.machine.stop('enough');
      expect(await run).toBe('stopped');
      expect(performance.now() - stopped).toBeLessThan(2000);
      expect(made.machine.end).toEqual({ status: 'stopped', reason: 'enough' });
      await made.machine.reset();
      expect([made.machine.status, wordsOf(made)[DATA >> 2]]).toEqual(['new', 0]);
      await made.machine.boot();
      const again = made.machine.run();
      await changed(wordsOf(made), DATA, 0);
      await made.machine.reset();
      expect(await again).toBe('stopped');
      expect(made.machine.status).toBe('new');
    }
  });

  it('pauses after an exit and continues there', async () => {
    const made = await start({ guest: READING, devices: placed(new ScratchDevice()) });
    const run = made.machine.run();
    const words = wordsOf(made);
    for (let i = 0; i < 3; i++) {
      await changed(words, DATA, Atomics.load(words, DATA >> 2));
      await made.machine.pause();
      const count = Atomics.load(words, DATA >> 2);
      await sleep(20);
      expect([made.machine.pace, Atomics.load(words, DATA >> 2)]).toEqual(['paused', count]);
      made.machine.resume();
    }
    await changed(words, DATA, Atomics.load(words, DATA >> 2));
    Atomics.store(words, STOP >> 2, 1);
    expect(await run).toBe('off');
  });

  it('asleep at its own wish sees an interrupt after 10 ms, however long it wanted to sleep', async () => {
    const device = new ScratchDevice();
    const guest = reactor(
      `(func $run (param i32) (result i32)
        (loop $again
          (i32.atomic.store (i32.const ${DATA}) (i32.const 1))
          (call $wait (i32.const 60000000))
          (br_if $again (i32.eqz (i32.atomic.load (i32.const ${ABI_AT_IRQ_EDGE})))))
        (i32.const 2))`,
      '(import "vsmmu" "wait" (func $wait (param i32)))',
    );
    const made = await start({ guest, devices: placed(device) });
    const run = made.machine.run();
    await changed(wordsOf(made), DATA, 0);
    const raised = performance.now();
    device.host?.interruptLine(0).pulse();
    expect(await run).toBe('off');
    // The rest is an allowance for busy cores.
    expect(performance.now() - raised).toBeLessThan(200);
  });

  it('that never reaches a safe point cannot be paused, and continues', async () => {
    const made = await start({ guest: ENDLESS });
    const run = made.machine.run();
    await changed(wordsOf(made), DATA, 0);
    await expect(made.machine.pause()).rejects.toThrow(
      'guest vCPU 0: no safe point within 1000 ms',
    );
    expect([made.machine.pace, made.machine.status]).toEqual(['free', 'running']);
    made.machine.stop('enough');
    expect(await run).toBe('stopped');
  });
});

describe('two vCPUs', () => {
  const ACKNOWLEDGE = `(i32.atomic.store (i32.const ${ABI_AT_MAP_ACK + 4})
    (i32.atomic.load (i32.const ${ABI_AT_MAP_EPOCH})))`;
  /**
   * Acknowledges map epochs while the word at its argument is 0; when it is 2, it traps.
   */
  const secondary = (acknowledges: boolean) =>
    WebAssembly.compile(
      assemble(`(module (import "env" "memory" (memory ${GUEST_PAGES} ${GUEST_PAGES} shared))
        (func $entry (param i32 i32)
          (i32.atomic.store (i32.add (local.get 1) (i32.const 4)) (i32.const 1))
          (loop $again
            ${acknowledges ? ACKNOWLEDGE : ''}
            (br_if $again (i32.eqz (i32.atomic.load (local.get 1)))))
          (if (i32.eq (i32.atomic.load (local.get 1)) (i32.const 2)) (then unreachable)))
        (export "vsmmu_secondary" (func $entry)))`),
    );
  const WORK = DATA + 0x100;
  const IMPORTS = `${IMPORT_READ32} ${IMPORT_WRITE32}
    (import "vsmmu" "vcpu_start" (func $start (param i32 i32) (result i32)))`;
  /**
   * Starts vCPU 1, waits until it runs, then writes to the device and reads until it may
   * end.
   */
  const primary = reactor(
    `(func $run (param i32) (result i32)
      (drop (call $start (i32.const 1) (i32.const ${WORK})))
      (loop $wait (br_if $wait (i32.eqz (i32.atomic.load (i32.const ${WORK + 4})))))
      (call $write32 (i32.const ${GPA}) (i32.const 1))
      (loop $again
        (drop (call $read32 (i32.const ${GPA})))
        (i32.atomic.store (i32.const ${DATA}) (i32.const 1))
        (br_if $again (i32.eqz (i32.atomic.load (i32.const ${STOP})))))
      (i32.const 2))`,
    IMPORTS,
  );

  /** Maps a page at reset and unmaps it at the first write. */
  function mappingDevice(): ScratchDevice {
    let map: DirectMap | undefined;
    const device: ScratchDevice = new ScratchDevice({
      onWrite: () => {
        map = device.host?.mapDirect({ region: 0, offset: 0x800, length: 8, doorbell: undefined });
        map?.unmap();
      },
    });
    return device;
  }

  it('acknowledge a map before it is gone', async () => {
    const made = await start({
      guest: primary,
      devices: placed(mappingDevice()),
      vcpus: 2,
      secondary: await secondary(true),
    });
    const run = made.machine.run();
    await changed(wordsOf(made), DATA, 0);
    expect(wordsOf(made)[ABI_AT_MAP_EPOCH >> 2]).toBe(2);
    await changed(wordsOf(made), ABI_AT_MAP_ACK + 4, 0);
    expect(Atomics.load(wordsOf(made), (ABI_AT_MAP_ACK + 4) >> 2)).toBe(2);
    Atomics.store(wordsOf(made), WORK >> 2, 1);
    Atomics.store(wordsOf(made), STOP >> 2, 1);
    expect(await run).toBe('off');
  });

  it('fail their machine when one of them does not acknowledge', async () => {
    const made = await start({
      guest: primary,
      devices: placed(mappingDevice()),
      vcpus: 2,
      secondary: await secondary(false),
    });
    expect(await made.machine.run()).toBe('failed');
    expect(made.machine.error?.message).toMatch(
      /^guest vCPU 1: no safe point within 1000 ms after a direct map's removal/,
    );
  });

  it('fail their machine when the secondary one traps', async () => {
    const made = await start({
      guest: primary,
      devices: placed(mappingDevice()),
      vcpus: 2,
      secondary: await secondary(true),
    });
    const run = made.machine.run();
    await changed(wordsOf(made), DATA, 0);
    Atomics.store(wordsOf(made), WORK >> 2, 2);
    expect(await run).toBe('failed');
    expect(made.machine.error?.message).toBe('guest vCPU 1: unreachable');
  });

  it('may start one again as soon as it has reported that it is done', async () => {
    const starts = 300;
    const restarted = reactor(
      `(func $run (param i32) (result i32) (local $left i32)
        (local.set $left (i32.const ${starts}))
        (loop $next
          (i32.atomic.store (i32.const ${WORK}) (i32.const 0))
          (loop $busy (br_if $busy (i32.ne (call $start (i32.const 1) (i32.const ${WORK})) (i32.const 0))))
          (loop $wait (br_if $wait (i32.eqz (i32.atomic.load (i32.const ${WORK})))))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br_if $next (local.get $left)))
        (i32.const 2))`,
      IMPORTS,
    );
    const reading = await WebAssembly.compile(
      assemble(`(module (import "env" "memory" (memory ${GUEST_PAGES} ${GUEST_PAGES} shared)) ${IMPORT_READ32}
        (func $entry (param i32 i32) (local $left i32)
          (local.set $left (i32.const 20))
          (loop $again
            (drop (call $read32 (i32.const ${GPA})))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br_if $again (local.get $left)))
          (i32.atomic.store (local.get 1) (i32.const 1)))
        (export "vsmmu_secondary" (func $entry)))`),
    );
    const device = new ScratchDevice();
    const made = await start({
      guest: restarted,
      devices: placed(device),
      vcpus: 2,
      secondary: reading,
    });
    expect([await made.machine.run(), made.machine.error?.message]).toEqual(['off', undefined]);
    expect(device.accesses).toHaveLength(20 * starts);
  });
});
