// SPDX-License-Identifier: MIT
// A physical CMDQV that is assigned as a whole to one guest, on the real drain. Offsets
// in the tests that use it are literal.

import { HOST_AT_RAM_BASE } from '../../assembly/layout/host-memory.ts';
import type { HotModules } from '../../assembly/load.ts';
import { PhysicalCmdqv, type PhysicalCmdqvOptions } from '../../devices/cmdqv/index.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import {
  ContextBlock,
  createHostMemory,
  QueueBlock,
  Unit,
  writeActions,
} from '../../devices/unit/index.ts';
import { IDR0 } from './unit-harness.ts';

export class PhysicalBoard {
  readonly host = new FakeHost();
  readonly unit: Unit;
  readonly device: PhysicalCmdqv;
  readonly bus: DeviceBus;
  /** Host RAM, window 0 of the physical address map. */
  readonly ram: DataView;

  /** @param isPhysical the guest's memory is the physical address map. */
  constructor(
    modules: HotModules,
    options: Partial<PhysicalCmdqvOptions> = {},
    isPhysical = false,
  ) {
    const hostMemory = createHostMemory({ ramSize: 0x100000 });
    writeActions(hostMemory, 0, IDR0);
    const regions = [
      { gpa: this.host.ramGpa, offset: this.host.ramOffset, size: this.host.ramSize },
    ];
    this.unit = new Unit({
      modules,
      hostMemory,
      thread: 0,
      guest: { memory: this.host.guestMemory, regions, window: 1, isPhysical },
    });
    this.device = new PhysicalCmdqv({
      unit: this.unit,
      smmuIndex: 0,
      vintfs: 2,
      vcmdqs: 4,
      ...options,
    });
    this.device.attach(this.host);
    this.device.reset();
    this.bus = new DeviceBus(this.device);
    this.ram = new DataView(
      hostMemory.buffer,
      new Int32Array(hostMemory.buffer)[HOST_AT_RAM_BASE >> 2],
    );
  }

  queue(vcmdq: number): QueueBlock {
    return new QueueBlock(this.unit.hostMemory, 0, vcmdq);
  }

  context(vintf: number): ContextBlock {
    return new ContextBlock(this.unit.hostMemory, 0, vintf);
  }

  /**
   * VINTF 0 with HYP_OWN or not, and LVCMDQ 0 of it with a ring of 16 commands at PA
   * 0x1000.
   */
  bringUp({ hypOwn }: { hypOwn: boolean }): void {
    this.bus.write32(0x1000, (hypOwn ? 1 << 17 : 0) | (7 << 1) | 1);
    this.bus.write32(0x0200, 1);
    this.bus.write64(0x40000, 0x1004n);
    this.bus.write32(0x30008, 1);
  }

  /** Puts a command into the ring of `bringUp`. */
  put(slot: number, opcode: number): void {
    this.ram.setBigUint64(0x1000 + 16 * slot, BigInt(opcode), true);
    this.ram.setBigUint64(0x1008 + 16 * slot, 0n, true);
  }
}
