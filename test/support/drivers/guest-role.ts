// SPDX-License-Identifier: MIT
// The kernel of a guest: a virtual SMMU and CMDQV over a real host's, with page 0 of its
// VINTF mapped directly.

import { VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import type { Device } from '../../../devices/plugin/index.ts';
import { type SmmuIdRegisters, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import { DeviceBus, FakeHost, type GrantedMap } from '../../../devices/testing/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../findings.ts';
import { tableMemory } from '../table-memory.ts';
import {
  type DriverPlatform,
  deviceOf,
  type InterruptName,
  type Registers,
} from './driver-platform.ts';

const modules = await checkedModules();

const RAM_SIZE = 0x800000;
const STREAM = 8;
/** The CMDQV's interrupt line among the SMMU's. */
const CMDQV_LINE = 8;
const LINES: Record<InterruptName, number> = { eventq: 0, gerror: 1, priq: 2, cmdqv: CMDQV_LINE };

/**
 * Replaces the device's host: interrupt lines from `firstLine` on. Returns the direct
 * maps that it was granted.
 */
function place(device: Device, fake: FakeHost, firstLine: number): readonly GrantedMap[] {
  const maps: GrantedMap[] = [];
  device.attach({
    memory: fake.memory,
    interruptLine: (index) => fake.interruptLine(firstLine + index),
    dmaPort: () => fake.dmaPort(),
    mapDirect(request) {
      const map = fake.mapDirect(request);
      const granted = fake.maps.at(-1);
      if (map && granted) maps.push(granted);
      return map;
    },
    background: (loop) => fake.background(loop),
    nowNs: () => fake.nowNs(),
    timer: (name, callback) => fake.timer(name, callback),
    msi: (address, data) => fake.msi(address, data),
    trace: (event) => fake.trace(event),
  });
  device.reset();
  return maps;
}

/**
 * Accesses that trap, and those to a directly mapped page: memory, and a doorbell after
 * each store.
 */
function registersOf(
  device: Device,
  { guestMemory }: FakeHost,
  maps: readonly GrantedMap[],
  doorbell: (id: number, at: number) => void,
): Registers {
  const bus = new DeviceBus(device);
  const words = new Int32Array(guestMemory.buffer);
  const mapped = (offset: number) =>
    maps.find((map) => map.mapped && offset >= map.offset && offset < map.offset + map.length);
  return {
    read32(offset) {
      const map = mapped(offset);
      if (!map) return bus.read32(offset);
      return Atomics.load(words, (map.memoryOffset + offset - map.offset) >> 2) >>> 0;
    },
    write32(offset, value) {
      const map = mapped(offset);
      if (!map) {
        bus.write32(offset, value);
        return;
      }
      Atomics.store(words, (map.memoryOffset + offset - map.offset) >> 2, value | 0);
      if (map.doorbell !== undefined) doorbell(map.doorbell, offset - map.offset);
    },
    write64: (offset, value) => bus.write64(offset, value),
  };
}

/** A page of an interrupt controller for MSIs. */
const DOORBELL = 0x8020000;
const EVENT_IDS = { eventq: 0, gerror: 1, priq: 2 } as const;

export interface GuestRoleOptions {
  /** The guest rings its CMDQ itself. */
  readonly overlay?: boolean;
  /** The machine has an interrupt controller for MSIs. */
  readonly msis?: boolean;
}

/**
 * @param idRegisters of the guest's SMMU.
 * @param below of the physical SMMU.
 */
export async function guestRole(
  idRegisters: SmmuIdRegisters,
  below: SmmuIdRegisters,
  { overlay = false, msis = false }: GuestRoleOptions = {},
): Promise<DriverPlatform> {
  const host = await checkedHost(VmHost, { modules, idRegisters: below });
  const fake = new FakeHost({ ramSize: RAM_SIZE });
  fake.takesMsi = (address) => msis && address === DOORBELL;
  const messages = (eventId: number) =>
    fake.log.filter(
      (entry) => entry === `msi 0x${DOORBELL.toString(16)} 0x${eventId.toString(16)} taken`,
    ).length;
  const regions = [{ gpa: fake.ramGpa, offset: fake.ramOffset, size: fake.ramSize }];
  const vm = host.createVm('linux', fake.guestMemory, regions);
  const viommu = host.createViommu(vm, [STREAM], { cmdqv: true, overlay });
  const smmu = new VirtualSmmu({ backend: viommu, idRegisters });
  const cmdqv = new VirtualCmdqv({ backend: host.createVintf(viommu) });
  const smmuMaps = place(smmu, fake, 0);
  const cmdqvMaps = place(cmdqv, fake, CMDQV_LINE);
  const doorbell = (id: number, at: number) => {
    vm.unit.drain.doorbell(id, at);
  };
  const memory = tableMemory(fake.memory, fake.ramGpa);
  const taken = new Map<InterruptName, number>();
  const port = host.dmaPort(viommu, STREAM);
  const buffer = memory.allocate(0x40000, 0x10000);
  return {
    role: 'guest',
    memory,
    smmu: registersOf(smmu, fake, smmuMaps, doorbell),
    cmdqv: registersOf(cmdqv, fake, cmdqvMaps, doorbell),
    stream: STREAM,
    buffer,
    ...(msis ? { msi: (line) => ({ address: DOORBELL, data: EVENT_IDS[line] }) } : {}),
    take(line) {
      const pulses =
        msis && line !== 'cmdqv' ? messages(EVENT_IDS[line]) : fake.pulses(LINES[line]);
      const come = pulses - (taken.get(line) ?? 0);
      taken.set(line, pulses);
      return come;
    },
    idle() {
      host.service(true);
      fake.poll();
    },
    ...deviceOf(port),
    byteAt: (gpa) => fake.ram[gpa - fake.ramGpa] ?? -1,
  };
}
