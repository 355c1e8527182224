// SPDX-License-Identifier: MIT
// A DMA engine with a host's SMMU, ATS and PRI: as a platform device, or as a PCIe
// function. Its guest has an SMMU with a command queue, an event queue and a PRI queue,
// and one page at IOVA.

import { STE_EATS } from '../../assembly/layout/ste.ts';
import { DmaEngine, DmaEnginePci } from '../../devices/dma-engine/index.ts';
import { type DmaPort, type GuestMemory, setField } from '../../devices/plugin/index.ts';
import {
  PAGE_REQUEST_GUEST_ID_REGISTERS,
  type SmmuIdRegisters,
  VirtualSmmu,
} from '../../devices/smmuv3/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  writeCd,
  writeCommand,
  writeSte,
} from '../../devices/tables/index.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import { VmHost, type VmHostOptions } from '../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from './findings.ts';
import { ASID, DATA_GPA, IOVA, type LentVm, lendVm, RAM_GPA_BASE, STREAM } from './lent-vm.ts';

const modules = await checkedModules();

export const STREAMS = RAM_GPA_BASE + 0x190000;
export const CDS = RAM_GPA_BASE + 0x194000;
const RING = RAM_GPA_BASE + 0x195000;
export const EVENTS = RAM_GPA_BASE + 0x196000;
const REQUESTS = RAM_GPA_BASE + 0x197000;
export const MSI = RAM_GPA_BASE + 0x198000;

/** A host whose memory is that of a VM, and whose DMA port is one of the VM's streams. */
class GuestHost extends FakeHost {
  override readonly memory: GuestMemory;
  readonly #port: DmaPort | undefined;
  constructor({ memory }: LentVm, port?: DmaPort) {
    super();
    this.#port = port;
    this.memory = {
      load64: (gpa) => memory.load64(gpa),
      store64(gpa, value) {
        memory.store64(gpa, value);
        return true;
      },
      store32(gpa, value) {
        const word = memory.load64(gpa - (gpa % 8));
        const kept = gpa % 8 ? word & 0xffffffffn : word & ~0xffffffffn;
        memory.store64(gpa - (gpa % 8), kept | (BigInt(value) << (gpa % 8 ? 32n : 0n)));
        return true;
      },
    };
  }
  override dmaPort(): DmaPort {
    if (!this.#port) throw new Error('no DMA port');
    return this.#port;
  }
}

/**
 * The engine's registers: a platform device has them in region 0, a PCIe function in its
 * BAR.
 */
function registersOf(bus: DeviceBus, region: number) {
  return {
    read32: (offset: number) => bus.read(region, offset, 4).lo,
    write32: (offset: number, value: number) => bus.write(region, offset, 4, value),
    read64(offset: number) {
      const { lo, hi } = bus.read(region, offset, 8);
      return (BigInt(hi) << 32n) | BigInt(lo);
    },
    write64(offset: number, value: bigint) {
      bus.write(region, offset, 8, Number(value & 0xffffffffn), Number(value >> 32n));
    },
  };
}

export interface AtsBoardOptions extends VmHostOptions {
  readonly ids?: 'auto' | SmmuIdRegisters;
  /** log2 of the entries of the PRI queue. */
  readonly requests?: number;
  /** The engine is a PCIe function. */
  readonly isPcie?: boolean;
}

export async function atsBoard({
  ids = PAGE_REQUEST_GUEST_ID_REGISTERS,
  requests = 3,
  isPcie = false,
  ...options
}: AtsBoardOptions = {}) {
  const host = await checkedHost(VmHost, { modules, ...options });
  const vm = lendVm(host, 'a');
  const guest = new GuestHost(vm);
  const told: string[] = [];
  const smmu = new VirtualSmmu({
    backend: vm.viommu,
    idRegisters: ids,
    onRefusal: ({ event, text }) => told.push(`${event}: ${text}`),
  });
  smmu.attach(guest);
  smmu.reset();
  const bus = new DeviceBus(smmu);
  const table = new PageTable(vm.memory, { stage: 1 });
  table.map(IOVA, DATA_GPA, 0x1000, S1_READ_WRITE);
  writeCd(
    vm.memory,
    CDS,
    0,
    contextDescriptor({ asid: ASID, outputBits: 48, lower: { ttb: table.root, inputBits: 48 } }),
  );
  const ste = stage1Ste({ contextPtr: CDS });
  setField(ste, STE_EATS, 1);
  writeSte(vm.memory, STREAMS, STREAM, ste);
  bus.write32(0x2c, 2);
  bus.write64(0x80, BigInt(STREAMS));
  bus.write32(0x88, 4);
  bus.write64(0x90, BigInt(RING + 4));
  bus.write64(0xa0, BigInt(EVENTS + 4));
  bus.write64(0xc0, BigInt(REQUESTS + requests));
  bus.write64(0xd0, BigInt(MSI));
  bus.write32(0xd8, 0x77);
  bus.write32(0x50, 7);
  bus.write32(0x20, 0x1f);
  const device = isPcie ? new DmaEnginePci('dma') : new DmaEngine();
  const slot = new GuestHost(vm, host.dmaPort(vm.viommu, STREAM));
  device.attach(slot);
  device.reset();
  const regions = new DeviceBus(device);
  const engine = registersOf(regions, isPcie ? 1 : 0);
  const send = (...commands: Uint32Array[]) => {
    for (const command of commands) {
      const prod = bus.read32(0x98);
      writeCommand(vm.memory, RING, prod % 16, command);
      bus.write32(0x98, (prod + 1) % 32);
    }
  };
  const look = () => {
    host.service(true);
    guest.poll();
    slot.poll();
    return [engine.read32(0x08), engine.read32(0x24), Number(engine.read64(0x28))];
  };
  const dma = (operation: number, iova: number, length = 8) => {
    engine.write64(0x10, BigInt(iova));
    engine.write64(0x18, BigInt(iova));
    engine.write32(0x0c, length);
    engine.write32(0x20, 0xa5a5a5a5);
    engine.write32(0x04, operation);
    return look()[0];
  };
  const request = (index: number) =>
    [0, 8].map((word) => vm.memory.load64(REQUESTS + 16 * index + word));
  const unmap = () => table.unmap(IOVA, 0x1000);
  return {
    told,
    host,
    vm,
    guest,
    smmu,
    bus,
    table,
    device,
    slot,
    regions,
    engine,
    send,
    look,
    dma,
    request,
    unmap,
  };
}
