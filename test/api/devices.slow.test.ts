// SPDX-License-Identifier: MIT
// Custom devices, plugged in as a user of the package does.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Host } from 'vsmmu';
import { defineDevice } from 'vsmmu/devices';
import { ABI_AT_EXIT_REQUEST } from '../../assembly/layout/guest-abi.ts';
import type { DeviceHost, Timer } from '../../devices/plugin/index.ts';
import { checkedHost } from '../support/findings.ts';
import { ScratchDevice } from '../support/scratch-device.ts';
import { IMPORT_WRITE32, reactor } from '../support/wat.ts';

const GPA = 0x10000000;
const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
/** Writes to the first register of the first plugin. */
const WRITES = reactor(
  `(func $run (param i32) (result i32)
     (call $write32 (i32.const ${GPA}) (i32.const 1)) (i32.const 0))`,
  IMPORT_WRITE32,
);

/** Runs without an exit until an exit is requested. */
const BUSY = reactor(
  `(func $run (param i32) (result i32)
     (loop $again (br_if $again (i32.eqz (i32.atomic.load (i32.const ${ABI_AT_EXIT_REQUEST})))))
     (i32.const 1))`,
);

/** Sets its timer again in each callback, and records the delay in milliseconds. */
class Ticker extends ScratchDevice {
  readonly late: number[] = [];
  #timer: Timer | undefined;
  #deadline = 0;

  override attach(given: DeviceHost): void {
    super.attach(given);
    this.#timer = given.timer('tick', () => {
      this.late.push((given.nowNs() - this.#deadline) / 1e6);
      this.#set();
    });
  }

  override reset(): void {
    super.reset();
    this.#set();
  }

  #set(): void {
    this.#deadline = (this.host?.nowNs() ?? 0) + 1e6;
    this.#timer?.at(this.#deadline);
  }
}

let host: Host;
beforeEach(async () => {
  host = await checkedHost(Host);
});
afterEach(() => host.destroy());

const edges = (machine: Awaited<ReturnType<Host['createMachine']>>) =>
  new Uint32Array(machine.memory.buffer, 0x300, 4)[0];

describe('a timer of a device', () => {
  // Otherwise the thread would sleep for 8 ms with an idle guest, and 10 ms with a busy
  // one.
  it.each([
    ['idle', 'inline', IDLE],
    ['idle', 'mailbox', IDLE],
    ['busy', 'mailbox', BUSY],
  ] as const)('calls back in time beside a guest that is %s, %s', async (_is, transport, guest) => {
    const device = new Ticker();
    const machine = await host.createMachine({ guest, transport, devices: [device] });
    await machine.boot();
    await expect.poll(() => device.late.length, { timeout: 10_000 }).toBeGreaterThan(40);
    await machine.stop();
    const inTime = device.late.filter((ms) => ms < 5);
    expect(Math.min(...device.late)).toBeGreaterThanOrEqual(0);
    expect(inTime.length).toBeGreaterThan(device.late.length / 4);
  });
});

describe('a device object', () => {
  it('that is plugged into one machine is refused by another, which it does not interrupt', async () => {
    const device = new ScratchDevice({
      onWrite: () => device.host?.interruptLine(0).pulse(),
    });
    const first = await host.createMachine({ guest: WRITES, devices: [device] });
    await expect(host.createMachine({ guest: WRITES, devices: [device] })).rejects.toMatchObject({
      name: 'BoardError',
      code: 'placement',
      message: 'device scratch is plugged in already: each place takes a device object of its own',
    });
    const other = await host.createMachine({ guest: WRITES });
    await first.boot({ paused: true });
    await first.step();
    expect([edges(first), edges(other)]).toEqual([1 << 16, 0]);
    expect(host.machines).toHaveLength(2);
  });

  it('is free when its machine is destroyed, and has no way back into it', async () => {
    const device = new ScratchDevice();
    const first = await host.createMachine({ guest: IDLE, devices: [device] });
    const line = device.host?.interruptLine(0);
    await first.reset();
    line?.pulse();
    expect(edges(first)).toBe(1 << 16);
    const info = new Uint32Array(first.memory.buffer, 0x300, 4);
    await first.destroy();
    info[0] = 0;
    line?.pulse();
    line?.setLevel(true);
    expect([...info]).toEqual([0, 0, 0, 0]);
    const second = await host.createMachine({ guest: IDLE, devices: [device] });
    device.host?.interruptLine(0).pulse();
    line?.pulse();
    expect([edges(second), info[0]]).toEqual([1 << 16, 0]);
  });

  it('of a machine that failed to boot can be used for the next one', async () => {
    const device = new ScratchDevice();
    const twin = new ScratchDevice();
    await expect(
      host.createMachine({ guest: IDLE, devices: [device, twin] }),
    ).rejects.toMatchObject({
      code: 'placement',
      message: 'device scratch has the name of another one in its machine',
    });
    const far = { device, addresses: [0x100000000], firstIrq: 16 };
    await expect(host.createMachine({ guest: IDLE, devices: [far] })).rejects.toMatchObject({
      code: 'placement',
      message:
        "region 0 of scratch lies at 0x100000000: a device's 0x1000 bytes have to lie below 4 GiB",
    });
    expect(device.host).toBeUndefined();
    await host.createMachine({ guest: IDLE, devices: [device] });
  });

  it('has no name of a device of the board', async () => {
    const device = defineDevice({ name: 'pl011', kind: 'mine', registers: {} });
    await expect(host.createMachine({ guest: IDLE, devices: [device] })).rejects.toThrow(
      'device pl011 has the name of another one in its machine',
    );
  });

  it('of version 1 runs as before', async () => {
    const device = Object.assign(new ScratchDevice(), { interfaceVersion: 1 });
    const machine = await host.createMachine({ guest: WRITES, devices: [device] });
    await machine.boot({ paused: true });
    await machine.step();
    expect(device.accesses.map(({ lo }) => lo)).toEqual([1]);
  });
});
