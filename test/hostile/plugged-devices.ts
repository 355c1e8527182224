// SPDX-License-Identifier: MIT
// Devices whose registers are accessed at random, and the contents of their queues.

import { HOST_AT_RAM_BASE } from '../../assembly/layout/host-memory.ts';
import { ECMDQS_PER_SMMU, QUEUE_ECMDQ, QUEUE_MAIN } from '../../assembly/layout/queue-memory.ts';
import type { HotModules } from '../../assembly/load.ts';
import { PhysicalCmdqv, VirtualCmdqv } from '../../devices/cmdqv/index.ts';
import type { Device } from '../../devices/plugin/index.ts';
import {
  GUEST_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
  PhysicalSmmu,
  VirtualSmmu,
} from '../../devices/smmuv3/index.ts';
import type { DeviceBus, FakeHost, Random } from '../../devices/testing/index.ts';
import { createHostMemory, QueueBlock, Unit, writeActions } from '../../devices/unit/index.ts';
import { IDR0 } from '../support/unit-harness.ts';
import { LVCMDQS, TestVintfBackend } from '../support/vintf-backend.ts';
import { TestViommuBackend } from '../support/viommu-backend.ts';

/** IDR1.ECMDQ, and IDR6 of one page with four queues. */
const [ECMDQ, FOUR_QUEUES] = [0x80000000, 0x00020000];
/** ECMDQ_PROD.EN and ECMDQ_CONS.ENACK. */
const EN = 0x80000000;
/**
 * The CMDQ and four ECMDQs, with rings of the largest size that IDR1.CMDQS allows, 1,024
 * commands: each ring is executed once at most.
 */
export const MOST_COMMANDS = 5 * 1024;

export interface Plugged {
  readonly device: Device;
  /** Every queue that an access may start. */
  readonly queues: readonly QueueBlock[];
  /** Memory at the ring address that `works` and half of the accesses use. */
  readonly ram: Uint8Array;
  /**
   * Enables the device and makes it execute one CMD_SYNC on each queue, all with the ring
   * of 16 in `ram`. Returns CONS of each, and GERROR.
   */
  works(bus: DeviceBus): number[];
}

/** Size of the random commands, from the ring address on. */
export const RING_BYTES = 0x1000;

const memoryOf = (host: FakeHost) => [
  { gpa: host.ramGpa, offset: host.ramOffset, size: host.ramSize },
];

/**
 * The registers are the same in both roles: CMDQ_BASE, CR0.CMDQEN, then PROD; the same
 * for the ECMDQs; CONS of each and GERROR.
 */
const smmuWorks = (ring: number) => (bus: DeviceBus) => {
  const base = BigInt(ring + 4);
  bus.write64(0x90, base);
  bus.write32(0x20, 8);
  bus.write32(0x98, 1);
  const ecmdqs = [0x20000, 0x24000, 0x28000, 0x2c000].map((at) => {
    bus.write64(at, base);
    for (const prod of [EN, EN + 1]) bus.write32(at + 8, prod);
    return bus.read32(at + 12) - EN;
  });
  return [bus.read32(0x9c), ...ecmdqs, bus.read32(0x60) ^ bus.read32(0x64)];
};

/** VINTF 0 with LVCMDQ 0: CONS, GERROR. */
const cmdqvWorks = (ring: number, config: number) => (bus: DeviceBus) => {
  bus.write32(0x0, 1);
  bus.write32(0x1000, config);
  bus.write32(0x0200, 1);
  bus.write64(0x40000, BigInt(ring + 4));
  bus.write32(0x30008, 1);
  bus.write32(0x30004, 1);
  return [bus.read32(0x30000), bus.read32(0x30010)];
};

/** The SMMU, including its ECMDQ pages, and the CMDQV, in either role. */
export const pluggedDevices = (
  modules: HotModules,
): Record<string, (host: FakeHost) => Plugged> => ({
  VirtualSmmu(host) {
    const backend = new TestViommuBackend(modules, host);
    const idRegisters = {
      ...GUEST_ID_REGISTERS,
      idr1: GUEST_ID_REGISTERS.idr1 + ECMDQ,
      idr6: FOUR_QUEUES,
    };
    const ecmdqs = Array.from(
      { length: ECMDQS_PER_SMMU },
      (_, i) => QUEUE_ECMDQ + ECMDQS_PER_SMMU + i,
    );
    const queues = [
      backend.commandQueue,
      ...ecmdqs.map((index) => new QueueBlock(backend.hostMemory, 0, index)),
    ];
    return {
      device: new VirtualSmmu({ backend, idRegisters }),
      queues,
      ram: host.ram,
      works: smmuWorks(host.ramGpa),
    };
  },
  PhysicalSmmu() {
    const hostMemory = createHostMemory({ ramSize: 0x100000 });
    const unit = new Unit({ modules, hostMemory, thread: 0 });
    const idRegisters = {
      ...PHYSICAL_ID_REGISTERS,
      idr1: PHYSICAL_ID_REGISTERS.idr1 + ECMDQ,
      idr6: FOUR_QUEUES,
    };
    const indices = [
      QUEUE_MAIN,
      ...Array.from({ length: ECMDQS_PER_SMMU }, (_, i) => QUEUE_ECMDQ + i),
    ];
    const queues = indices.map((index) => new QueueBlock(hostMemory, 0, index));
    const base = new Uint32Array(hostMemory.buffer)[HOST_AT_RAM_BASE >> 2];
    return {
      device: new PhysicalSmmu({ unit, smmuIndex: 0, idRegisters }),
      queues,
      ram: new Uint8Array(hostMemory.buffer, base),
      works: smmuWorks(0),
    };
  },
  VirtualCmdqv(host) {
    const backend = new TestVintfBackend(modules, host);
    const queues = Array.from({ length: LVCMDQS }, (_, i) => backend.queue(i));
    return {
      device: new VirtualCmdqv({ backend }),
      queues,
      ram: host.ram,
      works: cmdqvWorks(host.ramGpa, 1),
    };
  },
  PhysicalCmdqv(host) {
    const hostMemory = createHostMemory({ ramSize: 0x10000 });
    writeActions(hostMemory, 0, IDR0);
    const unit = new Unit({
      modules,
      hostMemory,
      thread: 0,
      guest: { memory: host.guestMemory, regions: memoryOf(host), window: 1 },
    });
    const queues = Array.from({ length: 4 }, (_, i) => new QueueBlock(hostMemory, 0, i));
    return {
      device: new PhysicalCmdqv({ unit, smmuIndex: 0, vintfs: 2, vcmdqs: 4 }),
      queues,
      ram: host.ram,
      works: cmdqvWorks(2 ** 32 + host.ramGpa, (1 << 17) | (7 << 1) | 1),
    };
  },
});

/** Registers that start a queue. */
const HOT = {
  smmu: [0x20, 0x90, 0x98, 0x9c, 0x64, 0x20000, 0x20008, 0x2000c, 0x2c000, 0x2c008, 0x2c00c],
  cmdqv: [0x0, 0x200, 0x204, 0x1000, 0x10004, 0x30000, 0x30004, 0x30008, 0x30014, 0x40000, 0x50000],
};
export const commandsOf = (queues: readonly QueueBlock[]) =>
  queues.reduce((sum, { counts }) => sum + counts.commands, 0);

/** Registers that start the queues of a device, by its name in `pluggedDevices`. */
export const hotRegisters = (name: string): readonly number[] =>
  HOT[name.endsWith('Smmu') ? 'smmu' : 'cmdqv'];

/** Random commands: TLBI_NH_ASID, existing opcodes, and others. */
export function fillRing(words: Uint32Array, random: Random): void {
  for (let i = 0; i < words.length; i += 4) {
    const legal = random.below(2) === 1;
    words[i] = legal ? 0x11 : (random.word() & ~0xff) | random.below(0x48);
    words[i + 1] = random.word();
    words[i + 2] = legal ? 0 : random.word();
    words[i + 3] = legal ? 0 : random.word();
  }
}
