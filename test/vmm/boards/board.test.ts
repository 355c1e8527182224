// SPDX-License-Identifier: MIT
// The board interface: a machine on a custom board, without a VM under a host; and a bus
// master that a board finds among its user's devices.

import { describe, expect, it } from 'vitest';
import { Pl011 } from '../../../devices/pl011/index.ts';
import type { DmaPort } from '../../../devices/plugin/index.ts';
import { Host } from '../../../vmm/api/index.ts';
import type { Board } from '../../../vmm/boards/index.ts';
import { MachineCore } from '../../../vmm/machine/index.ts';
import {
  createGuestMemory,
  createWasi,
  loadGuestImage,
  ramRegions,
  WasmGuest,
} from '../../../vmm/vcpu/wasm/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';
import { IMPORT_READ32, IMPORT_WRITE32, reactor } from '../../support/wat.ts';

const UART = 0x1000;

/**
 * RAM from gpa 0x4000_0000 on, a UART at 0x1000, and no SMMU: no unit has this memory.
 */
const plainBoard: Board = {
  name: 'plain',
  free: { gpa: 0x10000, irq: 8, devices: 2 },
  async create({ name, guest: binary, devices = [], onOutput }) {
    const image = await loadGuestImage(binary);
    const memory = createGuestMemory(image);
    const regions = ramRegions(memory, 0x40000000);
    const uart = new Pl011({ onOutput });
    const machine = new MachineCore({
      name,
      guest: new WasmGuest({ image, memory, ramGpaBase: 0x40000000, wasi: createWasi }),
      memory,
      regions,
      devices: [{ device: uart, addresses: [UART], firstIrq: 1 }, ...devices],
    });
    return {
      machine,
      vm: undefined,
      drainable: undefined,
      queues: 'vcmdq',
      smmus: [],
      receive: (bytes) => uart.receive(bytes),
      destroy: () => undefined,
    };
  },
};

/** Prints each received byte plus one, and ends. */
const NEXT = reactor(
  `(func $run (param i32) (result i32)
     (if (result i32) (i32.and (call $read32 (i32.const ${UART + 0x18})) (i32.const 16))
       (then (i32.const 0))
       (else
         (call $write32 (i32.const ${UART}) (i32.add (call $read32 (i32.const ${UART})) (i32.const 1)))
         (i32.const 2))))`,
  `${IMPORT_READ32} ${IMPORT_WRITE32}`,
);

describe('createMachine({ board })', () => {
  it('makes a machine on a board that has no VM under the host', async () => {
    const host = await Host.create();
    const output: number[] = [];
    const machine = await host.createMachine({
      guest: NEXT,
      board: plainBoard,
      drain: 'thread',
      devices: [new ScratchDevice()],
      onOutput: (bytes) => output.push(...bytes),
    });
    await machine.boot();
    machine.write('A');
    expect(await machine.wait()).toMatchObject({ status: 'off', exitCode: 0 });
    expect(output).toEqual([0x42]);
    expect(machine.statistics.exits.byRegister['pl011.UARTDR']).toBe(2);
    expect([machine.statistics.vcmdq.queues, machine.inspect()]).toEqual([0, []]);
    expect(machine.statistics.drain).toMatchObject({ asked: 'thread', place: 'doorbell' });
    expect(machine.readMemory(0x40100000, 4)?.length).toBe(4);
    expect(machine.readMemory(0x80100000, 4)).toBeUndefined();
    expect(host.statistics.vms).toBe(0);
    await host.destroy();
  });

  it('places devices where the board has room', async () => {
    const host = await Host.create();
    const devices = ['a', 'b', 'c'].map((name) => new ScratchDevice({ name }));
    await expect(host.createMachine({ guest: NEXT, board: plainBoard, devices })).rejects.toThrow(
      'there is room for 2 devices more, not for 3',
    );
    await host.destroy();
  });
});

/** A bus master that keeps its port. */
class Master extends ScratchDevice {
  override readonly identity = { kind: 0x7473616d, interrupts: 0, busMaster: true };
  get port(): DmaPort {
    if (!this.host) throw new Error('it is not attached');
    return this.host.dmaPort();
  }
}

describe('bus masters among the devices of createMachine', () => {
  it('get a StreamID, a vDEVICE and a way to memory each', async () => {
    const host = await checkedHost(Host);
    const masters = [new Master({ name: 'first' }), new Master({ name: 'second' })];
    const machine = await host.createMachine({
      guest: NEXT,
      devices: [masters[0] as Master, new ScratchDevice(), masters[1] as Master],
    });
    const [smmu] = machine.inspect();
    expect(masters.map(({ port }) => port.streamId)).toEqual([9, 10]);
    expect(smmu?.streams.map(({ virtual }) => virtual)).toEqual([8, 9, 10]);
    expect(smmu?.objects.filter(({ type }) => type === 'VDEVICE')).toHaveLength(3);
    // The guest reads the StreamIDs in its device table (docs/guest-abi.md).
    const info = new Uint32Array(machine.memory.buffer, 0, 0x400);
    const table = Array.from({ length: info[0x20 >> 2] ?? 0 }, (_, i) => 0x100 + 0x20 * i);
    const streams = table
      .filter((at) => info[at >> 2] === 0x7473616d)
      .map((at) => info[(at + 0x10) >> 2]);
    expect(streams).toEqual([9, 10]);
    // Before the guest has set up its SMMU, it bypasses: stage 2 only.
    const written = Uint8Array.of(1, 2, 3, 4);
    expect(masters[1]?.port.write(0x80180000, written)).toEqual({ ok: true, done: 4 });
    expect(machine.readMemory(0x80180000, 4)).toEqual(written);
    // An address outside the guest's own RAM is a fault of stage 2.
    expect(masters[1]?.port.write(0x10, written)).toEqual({ ok: false, done: 0 });
    await host.destroy();
  });
});
