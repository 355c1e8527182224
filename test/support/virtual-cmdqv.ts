// SPDX-License-Identifier: MIT
// A guest's CMDQV over a lent VINTF, on the real drain.

import type { HotModules } from '../../assembly/load.ts';
import { VirtualCmdqv } from '../../devices/cmdqv/index.ts';
import { DeviceBus, FakeHost, type FakeHostOptions } from '../../devices/testing/index.ts';
import { TestVintfBackend } from './vintf-backend.ts';

export class VirtualBoard {
  readonly host: FakeHost;
  readonly backend: TestVintfBackend;
  readonly device: VirtualCmdqv;
  readonly bus: DeviceBus;

  constructor(modules: HotModules, options: FakeHostOptions = {}) {
    this.host = new FakeHost(options);
    this.backend = new TestVintfBackend(modules, this.host);
    this.device = new VirtualCmdqv({ backend: this.backend });
    this.device.attach(this.host);
    this.device.reset();
    this.bus = new DeviceBus(this.device);
  }

  /** Guest-memory offset of the mapped page 0, undefined while it traps. */
  get page0(): number | undefined {
    return this.host.maps.find((map) => map.mapped)?.memoryOffset;
  }

  /**
   * Enables the VINTF, and the first `queues` slots with a ring of 16 commands each at
   * 0x80001000, 0x80002000.
   */
  bringUp(queues = 1): void {
    this.bus.write32(0x1000, 1);
    for (let slot = 0; slot < queues; slot++) {
      this.bus.write32(0x0200 + 4 * slot, 1);
      this.bus.write64(0x40000 + 0x80 * slot, BigInt(0x80001004 + 0x1000 * slot));
      if (this.page0 === undefined) this.bus.write32(0x30008 + 0x80 * slot, 1);
      else this.store(0x80 * slot + 0x08, 1);
    }
  }

  /** The guest's direct store to an offset of page 0, with its doorbell. */
  store(offset: number, value: number): void {
    if (this.page0 === undefined) throw new Error('page 0 is not mapped');
    new Int32Array(this.host.guestMemory.buffer)[(this.page0 + offset) >> 2] = value;
    this.backend.unit.drain.doorbell(this.backend.doorbellId, offset);
  }

  /** The guest's direct load. */
  load(offset: number): number {
    if (this.page0 === undefined) throw new Error('page 0 is not mapped');
    return (new Int32Array(this.host.guestMemory.buffer)[(this.page0 + offset) >> 2] ?? 0) >>> 0;
  }

  /**
   * Writes a command with this opcode into a ring at RAM + `ring`; its other fields do
   * not matter.
   */
  put(slot: number, ring: number, opcode: number): void {
    this.host.ram.fill(0, ring + 16 * slot, ring + 16 * slot + 16);
    this.host.ram[ring + 16 * slot] = opcode;
  }

  /** The host's policy decides: the withheld error of a slot is reported. */
  publish(slot: number): void {
    const { smmu, index } = this.backend.queue(slot);
    this.backend.unit.drain.publishError(smmu, index);
    this.backend.raise(slot);
  }
}
