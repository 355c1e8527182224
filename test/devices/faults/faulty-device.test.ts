// SPDX-License-Identifier: MIT
// Faults of devices: interrupts that are late or lost, a CONS that is late, a PROD that
// is torn, fetches that abort.

import { beforeEach, describe, expect, it } from 'vitest';
import { ABI_KIND_CMDQV } from '../../../assembly/layout/guest-abi.ts';
import { QUEUE_ERROR_HELD } from '../../../assembly/layout/queue-memory.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import type { InterruptLine, MmioAccess } from '../../../devices/plugin/index.ts';
import { VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import { sync, writeCommand } from '../../../devices/tables/index.ts';
import {
  DeviceBus,
  type DeviceFaults,
  FakeHost,
  FaultyDevice,
} from '../../../devices/testing/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';
import { tableMemory } from '../../support/table-memory.ts';
import { TestViommuBackend } from '../../support/viommu-backend.ts';

const modules = await checkedModules();
const [CR0, CMDQ_BASE, CMDQ_PROD, CMDQ_CONS, GERROR] = [0x20, 0x90, 0x98, 0x9c, 0x60] as const;
/** 1,024 commands, so that PROD has two bytes. */
const LOG2SIZE = 10;

describe('interrupts', () => {
  /** A device that pulses its line at each write. */
  class Pulsing extends DmaEngine {
    line: InterruptLine | undefined;
    override attach(host: FakeHost): void {
      this.line = host.interruptLine(0);
    }
    override write(_access: MmioAccess): void {
      this.line?.pulse();
    }
  }

  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost();
  });

  function plug(faults: DeviceFaults): DeviceBus {
    const device = new FaultyDevice(new Pulsing(), faults);
    device.attach(host);
    device.reset();
    return new DeviceBus(device);
  }

  it('are lost: every n-th', () => {
    const faults: DeviceFaults = { lostInterrupts: 3 };
    const bus = plug(faults);
    for (let i = 0; i < 9; i++) bus.write32(0, 0);
    expect(host.pulses(0)).toBe(6);
    faults.lostInterrupts = 0;
    for (let i = 0; i < 3; i++) bus.write32(0, 0);
    expect(host.pulses(0)).toBe(9);
  });

  it('are late by safe points, each by as many; a reset forgets them', () => {
    const bus = plug({ lateInterrupts: 2 });
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) {
      if (i < 2) bus.write32(0, 0);
      host.poll();
      seen.push(host.pulses(0));
    }
    expect(seen).toEqual([0, 1, 2, 2]);
    bus.write32(0, 0);
    bus.device.reset();
    for (let i = 0; i < 4; i++) host.poll();
    expect(host.pulses(0)).toBe(2);
  });
});

describe('command queues', () => {
  let host: FakeHost;
  let backend: TestViommuBackend;
  beforeEach(() => {
    host = new FakeHost();
    backend = new TestViommuBackend(modules, host);
  });

  /** A guest's SMMU whose ring is full of CMD_SYNCs. */
  function plug(faults: DeviceFaults): DeviceBus {
    const smmu = new VirtualSmmu({ backend });
    const device = new FaultyDevice(smmu, faults, () => backend.commandQueue.abortFetches());
    device.attach(host);
    device.reset();
    const memory = tableMemory(host.memory);
    for (let slot = 0; slot < 2 ** LOG2SIZE; slot++)
      writeCommand(memory, host.ramGpa, slot, sync());
    const bus = new DeviceBus(device);
    bus.write64(CMDQ_BASE, BigInt(host.ramGpa + LOG2SIZE));
    bus.write32(CR0, 8);
    return bus;
  }

  it('show a CONS that is late', () => {
    const faults: DeviceFaults = { lateCons: 2 };
    const bus = plug(faults);
    const reads = () => [1, 2, 3, 4].map(() => bus.read32(CMDQ_CONS));
    expect(reads()).toEqual([0, 0, 0, 0]);
    bus.write32(CMDQ_PROD, 3);
    expect(reads()).toEqual([0, 0, 3, 3]);
    bus.write32(CMDQ_PROD, 5);
    expect(reads()).toEqual([3, 3, 5, 5]);
    faults.lateCons = 0;
    bus.write32(CMDQ_PROD, 6);
    expect(bus.read32(CMDQ_CONS)).toBe(6);
  });

  it('treat a torn PROD as a value, and end at the whole value', () => {
    const bus = plug({ tornProd: true });
    bus.write32(CMDQ_PROD, 0xff);
    expect(backend.commandQueue.counts.commands).toBe(0xff);
    // Low byte first: 0x000, one less than a whole lap ahead.
    bus.write32(CMDQ_PROD, 0x100);
    expect([bus.read32(CMDQ_CONS), bus.read32(GERROR)]).toEqual([0x100, 0]);
    expect(backend.commandQueue.counts.commands).toBeGreaterThan(0x100);
  });

  it('of a CMDQV are PROD at each of its places, and no other register', () => {
    class Cmdqv extends ScratchDevice {
      override readonly identity = { kind: ABI_KIND_CMDQV, interrupts: 2, busMaster: false };
    }
    const device = new Cmdqv({ size: 0x50000 });
    const faulty = new FaultyDevice(device, { tornProd: true });
    faulty.attach(host);
    /** Values that reach the device for a store of 0x12345678. */
    const stored = (offset: number) => {
      device.accesses.length = 0;
      new DeviceBus(faulty).write32(offset, 0x12345678);
      return device.accesses.length;
    };
    // VCMDQ 0 and 1, VINTF 0 with its LVCMDQs: a read, three torn values, the complete
    // one.
    expect([0x10004, 0x10084, 0x30004, 0x30084].map(stored)).toEqual([5, 5, 5, 5]);
    // CONS, CONFIG, STATUS, GERRORN, BASE.
    expect([0x10000, 0x10008, 0x3000c, 0x30014, 0x40000, 0x40004].map(stored)).toEqual([
      1, 1, 1, 1, 1, 1,
    ]);
  });

  it('stop at a ring that cannot be fetched, and continue after the error has been acknowledged', () => {
    const faults: DeviceFaults = { fetchAborts: 2 };
    const bus = plug(faults);
    bus.write32(CMDQ_PROD, 1);
    expect([bus.read32(CMDQ_CONS), bus.read32(GERROR) & 1]).toEqual([1, 0]);
    bus.write32(CMDQ_PROD, 2);
    // CERROR_ABT.
    expect([bus.read32(CMDQ_CONS), bus.read32(GERROR) & 1]).toEqual([0x02000001, 1]);
    expect(backend.commandQueue.state).not.toBe(0);
    faults.fetchAborts = 0;
    bus.write32(GERROR + 4, 1);
    expect([bus.read32(CMDQ_CONS) & 0xfffff, backend.commandQueue.state]).toEqual([2, 0]);
    expect(backend.commandQueue.state).not.toBe(QUEUE_ERROR_HELD);
  });
});
