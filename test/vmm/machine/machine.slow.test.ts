// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import {
  ABI_AT_DEVICE_COUNT,
  ABI_AT_DEVICES,
  ABI_AT_EXITS,
  ABI_AT_INVALIDATING,
  ABI_AT_MAGIC,
  ABI_AT_MEMORY_SIZE,
  ABI_AT_RAM_GPA_BASE,
  ABI_AT_TIME,
  ABI_MAGIC,
} from '../../../assembly/layout/guest-abi.ts';
import { MachineError } from '../../../devices/plugin/index.ts';
import { GuestImageError } from '../../../vmm/vcpu/wasm/index.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';
import { RAM_GPA_BASE, smallMachine } from '../../support/small-machine.ts';
import {
  assemble,
  GUEST_PAGES,
  IMPORT_READ32,
  IMPORT_WRITE32,
  reactor,
} from '../../support/wat.ts';

const GPA = 0x09000000;
const DATA = 0x100000;
const placed = (device: ScratchDevice) => [{ device, addresses: [GPA], firstIrq: 3 }];
const words = (machine: { memory: WebAssembly.Memory }) => new Uint32Array(machine.memory.buffer);

/** Counts its runs at DATA; ends at the third. */
const COUNTING = `(func $run (param i32) (result i32)
  (i32.store (i32.const ${DATA}) (i32.add (i32.load (i32.const ${DATA})) (i32.const 1)))
  (select (i32.const 2) (i32.const 1) (i32.ge_u (i32.load (i32.const ${DATA})) (i32.const 3))))`;

describe('a machine', () => {
  it('runs a reactor until it powers off', async () => {
    const machine = await smallMachine({ guest: reactor(COUNTING) });
    expect(machine.status).toBe('new');
    await machine.boot();
    expect([machine.step(), machine.step(), machine.step(), machine.step()]).toEqual([
      'running',
      'running',
      'off',
      'off',
    ]);
    expect(words(machine)[DATA / 4]).toBe(3);
  });

  it('tells when it stands, paused, and before it moves again', async () => {
    const machine = await smallMachine({ guest: reactor(COUNTING) });
    const told: (readonly [stands: boolean, runs: number])[] = [];
    machine.onStanding = (stands) => told.push([stands, words(machine)[DATA / 4] ?? 0]);
    await machine.boot();
    machine.step();
    await machine.pause();
    expect(machine.step()).toBe('running');
    machine.allowStep();
    machine.step();
    await machine.pause();
    machine.resume();
    expect(machine.step()).toBe('off');
    // The count is what it had done by then: nothing between standing still and moving again.
    expect(told).toEqual([
      [false, 0],
      [true, 1],
      [false, 1],
      [true, 2],
      [false, 2],
    ]);
  });

  it('fills the info page in', async () => {
    const device = new ScratchDevice();
    const machine = await smallMachine({ guest: reactor(COUNTING), devices: placed(device) });
    const info = words(machine);
    expect([
      info[ABI_AT_MAGIC / 4],
      info[ABI_AT_RAM_GPA_BASE / 4],
      info[ABI_AT_MEMORY_SIZE / 4],
    ]).toEqual([ABI_MAGIC, RAM_GPA_BASE, GUEST_PAGES * 65536]);
    expect(info[ABI_AT_DEVICE_COUNT / 4]).toBe(1);
    expect([...info.subarray(ABI_AT_DEVICES / 4, ABI_AT_DEVICES / 4 + 5)]).toEqual([
      0x74736574,
      GPA,
      0x1000,
      3,
      0xffffffff,
    ]);
    expect(device.resets).toBe(1);
  });

  it('counts every exit by kind and register, and those inside an invalidation', async () => {
    const guest = reactor(
      `(func $run (param i32) (result i32)
        (drop (call $read32 (i32.const ${GPA + 0x10})))
        (drop (call $read64 (i32.const ${GPA + 0x10})))
        (i32.store (i32.const ${ABI_AT_INVALIDATING}) (i32.const 1))
        (call $write32 (i32.const ${GPA + 0x14}) (i32.const -1))
        (call $wait (i32.const 5))
        (i32.store (i32.const ${ABI_AT_INVALIDATING}) (i32.const 0))
        (call $write64 (i32.const ${GPA + 0x18}) (i64.const -2))
        (drop (call $clock))
        (drop (call $yield))
        (drop (call $read32 (i32.const 0x100)))
        (i32.store (i32.const ${DATA}) (i32.load (i32.const ${ABI_AT_EXITS})))
        (i64.store (i32.const ${DATA + 8}) (i64.load (i32.const ${ABI_AT_TIME})))
        (i32.const 2))`,
      `${IMPORT_READ32} ${IMPORT_WRITE32}
       (import "vsmmu" "mmio_read64" (func $read64 (param i32) (result i64)))
       (import "vsmmu" "mmio_write64" (func $write64 (param i32 i64)))
       (import "vsmmu" "wait" (func $wait (param i32)))
       (import "vsmmu" "clock_ns" (func $clock (result f64)))
       (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))`,
    );
    const device = new ScratchDevice();
    let calls = 0;
    const machine = await smallMachine({
      guest,
      devices: placed(device),
      clock: { nowNs: () => 2 ** 40 + 7.5 },
      instantiate: (module, imports) => {
        // An independent count, at the import object itself.
        for (const functions of Object.values(imports)) {
          for (const [name, value] of Object.entries(functions)) {
            if (typeof value !== 'function') continue;
            functions[name] = (...args: unknown[]) => {
              calls++;
              return (value as (...args: unknown[]) => unknown)(...args);
            };
          }
        }
        return WebAssembly.instantiate(module, imports as WebAssembly.Imports);
      },
    });
    await machine.boot();
    expect(machine.step()).toBe('off');
    const exits = machine.exitStatistics;
    expect(exits).toEqual({
      total: 8,
      byKind: { mmio: 5, wasi: 1, wait: 1, clock: 1 },
      byRegister: { 'scratch.R10': 2, 'scratch.R14': 1, 'scratch.R18': 1 },
      byVcpu: [8],
      duringInvalidation: 2,
      duringDirect: 2,
    });
    expect(calls).toBe(exits.total);
    const { total, duringDirect, duringCmdq } = machine.exits.importCalls ?? {};
    expect([total, duringDirect, duringCmdq]).toEqual([8, 2, 0]);
    expect(words(machine)[DATA / 4]).toBe(8);
    expect(new BigUint64Array(machine.memory.buffer)[(DATA + 8) / 8]).toBe(2n ** 40n + 7n);
    expect(device.accesses.at(-1)).toMatchObject({
      offset: 0x18,
      size: 8,
      lo: 0xfffffffe,
      hi: 0xffffffff,
    });
  });

  it('calls device timers at safe points, after the access that sets them and never during one', async () => {
    const events: string[] = [];
    const clock = { now: 1000, nowNs: () => clock.now };
    const device = new ScratchDevice();
    device.attach = (host) => {
      const timers = ['first', 'second'].map((name) =>
        host.timer(name, () => {
          events.push(name);
          host.interruptLine(0).pulse();
          if (events.length < 6) timers[0]?.at(0);
        }),
      );
      device.write = ({ offset }) => {
        events.push('write');
        timers[0]?.at(offset === 0 ? 5 : 2000);
        timers[1]?.at(5);
        events.push('written');
      };
    };
    const guest = reactor(
      `(func $run (param i32) (result i32)
        (call $write32 (i32.const ${GPA}) (i32.const 1))
        (call $write32 (i32.const ${GPA + 4}) (i32.const 1))
        (i32.const 0))`,
      IMPORT_WRITE32,
    );
    const machine = await smallMachine({ guest, devices: placed(device), clock });
    await machine.boot();
    machine.step();
    // The deadline in the past that a callback sets is for the next safe point, which is that of the second write.
    expect(events).toEqual([
      ...['write', 'written', 'first', 'second'],
      ...['write', 'written', 'second'],
    ]);
    expect(words(machine)[0x300 / 4]).toBe(1 << 3);
    clock.now = 2000;
    events.length = 0;
    await machine.reset();
    await machine.boot();
    // The reset has cancelled what the last write had set.
    expect(events).toEqual([]);
  });

  it('refuses a guest that imports what no machine has', async () => {
    const imports = (from: string) =>
      smallMachine({ guest: reactor(COUNTING, `(import "${from}" "toString" (func))`) });
    for (const from of ['vsmmu', 'wasi_snapshot_preview1', 'env', 'other'])
      await expect(imports(from)).rejects.toThrow(GuestImageError);
  });

  it('refuses a guest of another ABI version', async () => {
    const guest =
      assemble(`(module (import "env" "memory" (memory 32 32 shared)) (global $abi i32 (i32.const 2)) (func $init)
      (func $run (param i32) (result i32) (i32.const 0)) (export "memory" (memory 0)) (export "vsmmu_abi" (global $abi))
      (export "_initialize" (func $init)) (export "vsmmu_run" (func $run)))`);
    const machine = await smallMachine({ guest });
    await expect(machine.boot()).rejects.toThrow(/ABI version 2/);
  });

  it('runs a command to its end and keeps its exit code', async () => {
    const output: string[] = [];
    const guest = assemble(`(module
      (import "env" "memory" (memory 20 20 shared))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (func $start
        (drop (call $sizes (i32.const ${DATA}) (i32.const ${DATA + 4})))
        (i32.store8 (i32.const ${DATA + 64}) (i32.add (i32.load (i32.const ${DATA})) (i32.const 48)))
        (i32.store (i32.const ${DATA + 8}) (i32.const ${DATA + 64}))
        (i32.store (i32.const ${DATA + 12}) (i32.const 1))
        (drop (call $write (i32.const 1) (i32.const ${DATA + 8}) (i32.const 1) (i32.const ${DATA + 16})))
        (call $exit (i32.const 9)))
      (export "_start" (func $start)) (export "memory" (memory 0)))`);
    const machine = await smallMachine({
      guest,
      args: ['program', 'one', 'two'],
      onOutput: (stream, bytes) => output.push(`${stream}:${new TextDecoder().decode(bytes)}`),
    });
    await machine.boot();
    expect(machine.step()).toBe('off');
    expect(machine.end).toEqual({ status: 'off', exitCode: 9 });
    expect(output).toEqual(['stdout:3']);
  });
});

describe('a machine that fails', () => {
  it('is stopped by a trap of its guest, and others continue', async () => {
    const trapping = await smallMachine({
      guest: reactor('(func $run (param i32) (result i32) unreachable)'),
      name: 'vm0',
    });
    const other = await smallMachine({ guest: reactor(COUNTING), name: 'vm1' });
    await trapping.boot();
    await other.boot();
    expect(trapping.step()).toBe('failed');
    expect(trapping.error).toBeInstanceOf(MachineError);
    expect(trapping.error).toMatchObject({
      component: 'guest vCPU 0',
      message: 'guest vCPU 0: unreachable',
    });
    expect(trapping.step()).toBe('failed');
    expect([other.step(), other.step(), other.step()]).toEqual(['running', 'running', 'off']);
  });

  it.each([
    ['names the device that threw', `(call $read32 (i32.const ${GPA}))`],
    [
      'and is not kept running by a guest that catches it',
      `(try (result i32) (do (call $read32 (i32.const ${GPA}))) (catch_all (i32.const 1)))`,
    ],
  ])('%s', async (_what, access) => {
    const device = new ScratchDevice({
      onRead: () => {
        throw new TypeError('broken model');
      },
    });
    const guest = reactor(`(func $run (param i32) (result i32) ${access})`, IMPORT_READ32);
    const machine = await smallMachine({ guest, devices: placed(device) });
    await machine.boot();
    expect(machine.step()).toBe('failed');
    expect(machine.error).toMatchObject({ component: 'scratch', message: 'scratch: broken model' });
  });

  it('names what vsmmu_run must not return', async () => {
    const machine = await smallMachine({
      guest: reactor('(func $run (param i32) (result i32) (i32.const 7))'),
    });
    await machine.boot();
    expect(machine.step()).toBe('failed');
    expect(machine.error?.message).toContain('returned 7');
  });

  it('has its devices intact when the guest had used its stack up', async () => {
    let begun = 0;
    let finished = 0;
    const deep = (depth: number): number => (depth === 0 ? 0 : 1 + deep(depth - 1));
    const device = new ScratchDevice({
      onWrite: () => {
        begun++;
        deep(100);
        finished++;
      },
    });
    // Recurses without end, and writes a register at every depth.
    const guest = reactor(
      `(func $sink (param i32)
         (call $write32 (i32.const ${GPA}) (local.get 0))
         (call $sink (i32.add (local.get 0) (i32.const 1))))
       (func $run (param i32) (result i32) (call $sink (i32.const 0)) (i32.const 2))`,
      IMPORT_WRITE32,
    );
    const machine = await smallMachine({ guest, devices: placed(device) });
    await machine.boot();
    expect(machine.step()).toBe('failed');
    expect(machine.error?.component).toBe('guest vCPU 0');
    expect(begun).toBeGreaterThan(100);
    expect(finished).toBe(begun);
  });
});

describe('a machine under control', () => {
  const POLLING = reactor(
    `(func $run (param i32) (result i32)
       (loop $again (drop (call $read32 (i32.const ${GPA}))) (br $again))
       (i32.const 0))`,
    IMPORT_READ32,
  );

  it('stops at the next exit', async () => {
    let reads = 0;
    const device = new ScratchDevice({
      onRead: () => {
        if (++reads === 5) machine.stop('enough');
      },
    });
    const machine = await smallMachine({ guest: POLLING, devices: placed(device) });
    await machine.boot();
    expect(machine.step()).toBe('stopped');
    expect([reads, machine.end]).toEqual([5, { status: 'stopped', reason: 'enough' }]);
  });

  it('stops between steps', async () => {
    const machine = await smallMachine({ guest: reactor(COUNTING) });
    await machine.boot();
    machine.stop('not wanted');
    expect([machine.status, machine.step()]).toEqual(['stopped', 'stopped']);
  });

  it('starts again after a reset', async () => {
    const device = new ScratchDevice();
    const machine = await smallMachine({ guest: reactor(COUNTING), devices: placed(device) });
    await machine.boot();
    while (machine.step() === 'running');
    await machine.reset();
    expect([machine.status, device.resets, words(machine)[DATA / 4]]).toEqual(['new', 2, 0]);
    await machine.boot();
    expect([machine.step(), machine.step(), machine.step()]).toEqual(['running', 'running', 'off']);
  });

  it('polls background loops and calls its host at every safe point', async () => {
    const device = new ScratchDevice();
    const calls: boolean[] = [];
    let polls = 0;
    let work = 0;
    const machine = await smallMachine({
      guest: reactor(
        `(func $run (param i32) (result i32) (drop (call $read32 (i32.const ${GPA}))) (i32.const 0))`,
        IMPORT_READ32,
      ),
      devices: placed(device),
      onSafePoint: (full) => calls.push(full),
    });
    const poll = () => {
      polls++;
      return work;
    };
    const remove = device.host?.background({ name: 'work', poll });
    await machine.boot();
    calls.length = 0;
    polls = 0;
    machine.step();
    // Entered, exit, yielded.
    expect(calls).toEqual([true, false, true]);
    expect(polls).toBe(3);
    expect(machine.idle).toBe(true);
    // A device that has found something to do may find more: no one waits before it is asked again.
    work = 1;
    machine.step();
    expect(machine.idle).toBe(false);
    remove?.();
    machine.step();
    expect([machine.idle, polls]).toEqual([true, 6]);
  });

  it('gives devices lines, maps, memory and traces', async () => {
    const device = new ScratchDevice();
    const traced: unknown[] = [];
    const machine = await smallMachine({
      guest: reactor(COUNTING),
      devices: placed(device),
      onTrace: (name, event) => traced.push([name, event]),
    });
    device.host?.interruptLine(1).pulse();
    expect(words(machine)[0x300 / 4]).toBe(1 << 4);
    expect(() => device.host?.interruptLine(2)).toThrow(RangeError);
    expect(() => device.host?.dmaPort()).toThrow(/no way to memory/);
    expect(device.host?.memory.store64(RAM_GPA_BASE + DATA, 5n)).toBe(true);
    expect(device.host?.memory.load64(RAM_GPA_BASE + DATA)).toBe(5n);
    for (const gpa of [
      RAM_GPA_BASE,
      RAM_GPA_BASE + DATA + 4,
      RAM_GPA_BASE + GUEST_PAGES * 65536,
      0,
    ]) {
      expect(device.host?.memory.load64(gpa)).toBeUndefined();
      expect(device.host?.memory.store64(gpa, 1n)).toBe(false);
    }
    expect(
      device.host?.mapDirect({ region: 0, offset: 0x100, length: 8, doorbell: undefined })
        ?.memoryOffset,
    ).toBe(0x10100);
    expect(
      device.host?.mapDirect({ region: 1, offset: 0, length: 8, doorbell: undefined }),
    ).toBeUndefined();
    device.host?.trace({ name: 'seen', value: 1 });
    expect(traced).toEqual([
      ['scratch', { name: 'interrupt', line: 1 }],
      ['scratch', { name: 'seen', value: 1 }],
    ]);
  });
});
