// The kernel of the simulated computer itself: the physical SMMU and CMDQV, and memory that is host RAM.

import { SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
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
import { checkedModules } from '../findings.ts';
import {
  type DriverPlatform,
  dmaOf,
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

/** @param idRegisters of the SMMU, one of a host. */
export function hostRole(idRegisters: SmmuIdRegisters): DriverPlatform {
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
  const port = new StreamDmaPort({
    // The host's own stream reaches host RAM, window 0, and nothing of a guest.
    unit,
    memory: ram,
    smmu: smmuBase(0),
    virtSid: STREAM,
    physSid: STREAM,
  });
  return {
    role: 'host',
    memory: ram,
    smmu: registersOf(computer.smmu),
    cmdqv: registersOf(computer.cmdqv),
    stream: STREAM,
    buffer,
    take: (line) => (computer.interrupts.take(LINES[line]) ? 1 : 0),
    idle() {
      computer.background.poll();
      computer.checkQueueErrors();
    },
    dma: dmaOf(port),
    byteAt: (address) => ram.bytes(address, 1)?.[0] ?? -1,
  };
}
