// SPDX-License-Identifier: MIT
// The kernel of the simulated computer: the physical SMMU and CMDQV, with host RAM as
// memory.

import { IDR0_ATS, IDR0_PRI } from '../../../assembly/layout/smmu-registers.ts';
import { SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
import { bitsOf } from '../../../devices/plugin/index.ts';
import type { SmmuIdRegisters } from '../../../devices/smmuv3/index.ts';
import { createHostMemory, StreamDmaPort, smmuBase, Unit } from '../../../devices/unit/index.ts';
import type { DeviceRegisters } from '../../../host/hardware/device-registers.ts';
import { HostRam } from '../../../host/hardware/host-ram.ts';
import {
  LINE_CMDQV,
  LINE_EVENTS,
  LINE_GERROR,
  LINE_PAGE_REQUESTS,
  Platform,
} from '../../../host/hardware/platform.ts';
import { AtsEndpoint } from '../../../vmm/nested/ats-endpoint.ts';
import { checkedModules } from '../findings.ts';
import {
  type DriverPlatform,
  deviceOf,
  type InterruptName,
  type Registers,
} from './driver-platform.ts';

const modules = await checkedModules();

/** Bytes of host RAM. */
const RAM_SIZE = 0x800000;
const STREAM = 5;
const LINES: Record<InterruptName, number> = {
  eventq: LINE_EVENTS,
  gerror: LINE_GERROR,
  priq: LINE_PAGE_REQUESTS,
  cmdqv: LINE_CMDQV,
};

function registersOf(device: DeviceRegisters): Registers {
  return {
    read32: (offset) => device.read32(offset),
    write32: (offset, value) => device.write32(offset, value >>> 0),
    write64: (offset, value) =>
      device.write64(offset, Number(value & 0xf_ffff_ffff_ffffn), Number((value >> 52n) << 20n)),
  };
}

/**
 * Data of an interrupt's MSI; without an interrupt controller, each is written to a word
 * of memory.
 */
const MESSAGE = 0x51;

/**
 * @param idRegisters of the SMMU, one of a host.
 * @param msis the kernel configures MSIs of the SMMU.
 */
export function hostRole(idRegisters: SmmuIdRegisters, msis = false): DriverPlatform {
  const hostMemory = createHostMemory({ ramSize: RAM_SIZE });
  const unit = new Unit({ modules, hostMemory, thread: 0 });
  const ram = new HostRam(hostMemory);
  const computer = new Platform({
    unit,
    smmuIndex: 0,
    idRegisters,
    vintfs: 2,
    vcmdqs: 4,
    ram,
    clock: SYSTEM_CLOCK,
    unitOf: (window) => (window === 0 ? unit : undefined),
  });
  const buffer = ram.allocate(0x40000, 0x10000);
  // The host's own stream accesses host RAM, window 0, and no guest's memory.
  const guest = { window: 0, memory: hostMemory, regions: [], unit };
  const hasAts = bitsOf(idRegisters.idr0, IDR0_ATS) !== 0;
  const hasPri = bitsOf(idRegisters.idr0, IDR0_PRI) !== 0;
  const port = new StreamDmaPort({
    unit,
    memory: ram,
    ...(hasAts ? { ats: new AtsEndpoint(guest, smmuBase(0), STREAM, hasPri) } : {}),
    smmu: smmuBase(0),
    virtSid: STREAM,
    physSid: STREAM,
  });
  const word = () => ram.allocate(8, 8);
  const words = { eventq: word(), gerror: word(), priq: word() };
  return {
    role: 'host',
    memory: ram,
    smmu: registersOf(computer.smmu),
    cmdqv: registersOf(computer.cmdqv),
    stream: STREAM,
    buffer,
    ...(msis ? { msi: (line) => ({ address: words[line], data: MESSAGE }) } : {}),
    take(line) {
      if (!msis || line === 'cmdqv') return computer.interrupts.take(LINES[line]) ? 1 : 0;
      const message = ram.load64(words[line]);
      if (message !== 0n && message !== BigInt(MESSAGE)) throw new Error(`no message of the SMMU`);
      ram.store64(words[line], 0n);
      return message === 0n ? 0 : 1;
    },
    idle() {
      computer.background.poll();
      computer.checkQueueErrors();
    },
    ...deviceOf(port),
    byteAt: (address) => ram.bytes(address, 1)?.[0] ?? -1,
  };
}
