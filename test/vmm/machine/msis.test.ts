// SPDX-License-Identifier: MIT
// MSIs of a machine's SMMU: like those of any device they reach the interrupt controller
// of its board, with the requester ID of its place.

import { beforeEach, expect, it } from 'vitest';
import { guestMemoryOf } from '../../../devices/bus/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { PAGE_REQUEST_GUEST_ID_REGISTERS, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import { stage1Ste, sync, writeCommand, writeSte } from '../../../devices/tables/index.ts';
import { MachineCore } from '../../../vmm/machine/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import {
  createGuestMemory,
  createWasi,
  loadGuestImage,
  ramRegions,
  WasmGuest,
} from '../../../vmm/vcpu/wasm/index.ts';
import {
  DOORBELL,
  DOORBELL_PAGE,
  FakeInterruptController,
} from '../../support/fake-interrupt-controller.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import { tableMemory } from '../../support/table-memory.ts';
import { reactor } from '../../support/wat.ts';

const modules = await checkedModules();
const image = await loadGuestImage(reactor('(func $run (param i32) (result i32) (i32.const 0))'));
const RAM = 0x80000000;
const [STREAMS, RING, EVENTS, REQUESTS, ECMDQ_RING] = [
  RAM + 0x110000,
  RAM + 0x120000,
  RAM + 0x121000,
  RAM + 0x122000,
  RAM + 0x123000,
] as const;
const SMMU = 0x09050000;
const DMA = 0x09200000;
const STREAM = 8;
const RAM_WORD = RAM + 0x130000;
const SMMU_REQUESTER = 0x100;

let host: VmHost;
beforeEach(async () => {
  host = await checkedHost(VmHost, { modules });
});

/**
 * A machine with an SMMU that has PRI and ECMDQs, with its queues enabled, and a DMA
 * engine.
 */
function board({ overlay = false, address = DOORBELL } = {}) {
  const memory = createGuestMemory(image);
  const regions = ramRegions(memory, RAM);
  const frame = new FakeInterruptController();
  const vm = host.createVm('vm', memory, regions, { msis: frame });
  const viommu = host.createViommu(vm, [STREAM], { overlay });
  const ids = PAGE_REQUEST_GUEST_ID_REGISTERS;
  const idRegisters = { ...ids, idr1: (ids.idr1 | 0x80000000) >>> 0, idr6: 0x20000 };
  const port = host.dmaPort(viommu, STREAM);
  const machine = new MachineCore({
    name: 'vm',
    guest: new WasmGuest({ image, memory, ramGpaBase: RAM, wasi: createWasi }),
    memory,
    regions,
    msis: frame,
    onSafePoint: (full) => host.service(full),
    devices: [
      {
        device: new VirtualSmmu({ backend: viommu, idRegisters }),
        addresses: [SMMU],
        firstIrq: 1,
        requesterId: SMMU_REQUESTER,
      },
      { device: new DmaEngine(), addresses: [DMA], firstIrq: 5, dmaPort: port },
    ],
  });
  const { bus } = machine.devices;
  const write32 = (offset: number, value: number) => bus.write(SMMU + offset, 4, value >>> 0);
  const write64 = (offset: number, value: number) => bus.write(SMMU + offset, 8, value);
  write64(0x80, STREAMS);
  write32(0x88, 4);
  write64(0x90, RING + 4);
  write64(0xa0, EVENTS + 4);
  write64(0xc0, REQUESTS + 3);
  // GERROR, event queue, PRI queue: IRQ_CFG0 and IRQ_CFG1.
  for (const [at, data] of [
    [0x68, 0x21],
    [0xb0, 0x22],
    [0xd0, 0x23],
  ] as const) {
    write64(at, address);
    write32(at + 8, data);
  }
  write32(0x50, 7);
  write32(0x20, 0x1f);
  return {
    frame,
    port,
    ram: tableMemory(guestMemoryOf(memory, regions)),
    write32,
    write64,
    read32: (offset: number) => bus.read(SMMU + offset, 4),
    poll() {
      host.service(true);
      machine.devices.poll();
    },
    msi: (data: number) => [SMMU_REQUESTER, data],
  };
}

it.each([
  ['trapped', false],
  ['overlaid', true],
])('the MSI of a CMD_SYNC on the CMDQ (%s) reaches the doorbell', (_, overlay) => {
  const { frame, ram, write32, read32, poll, msi } = board({ overlay });
  writeCommand(ram, RING, 0, sync(1, { address: DOORBELL, data: 7 }));
  writeCommand(ram, RING, 1, sync(1, { address: RAM_WORD, data: 9 }));
  write32(0x98, 2);
  poll();
  expect([frame.sent, read32(0x9c), read32(0x60)]).toEqual([[msi(7)], 2, 0]);
  expect(ram.load64(RAM_WORD)).toBe(9n);
});

it('and that of one on an ECMDQ', () => {
  const { frame, ram, write32, write64, read32, poll, msi } = board();
  write64(0x20000, ECMDQ_RING + 2);
  write32(0x20008, 0x80000000);
  writeCommand(ram, ECMDQ_RING, 0, sync(1, { address: DOORBELL, data: 8 }));
  write32(0x20008, 0x80000001);
  poll();
  expect([frame.sent, read32(0x2000c) & 0xffff, read32(0x60)]).toEqual([[msi(8)], 1, 0]);
});

it('those of the event queue, of GERROR and of the PRI queue do, too', () => {
  const { frame, port, ram, write32, read32, poll, msi } = board();
  // No valid STE: C_BAD_STE.
  expect(port.read(0x1000, new Uint8Array(4)).ok).toBe(false);
  poll();
  expect(frame.sent.splice(0)).toEqual([msi(0x22)]);
  ram.store64(RING, 0xffn);
  write32(0x98, 1);
  poll();
  expect(frame.sent.splice(0)).toEqual([msi(0x21)]);
  expect(read32(0x60)).toBe(1);
  // Stage 1 without a table, and ATS: the device requests the page.
  const ste = stage1Ste({ contextPtr: RAM + 0x140000, eats: 1 });
  writeSte(ram, STREAMS, STREAM, ste);
  // T0SZ 16, EPD1, AA64, V, R, A, ASID 5; TTB0 is a zeroed page.
  ram.store64(RAM + 0x140000, 0x0005_6205_c000_3510n);
  ram.store64(RAM + 0x140008, BigInt(RAM + 0x150000));
  write32(0x20, 0x1e);
  write32(0x20, 0x1f);
  port.ats?.configure({ enabled: true, pageRequests: true, silent: false });
  expect(port.read(0x1000, new Uint8Array(4)).stalled).toBe(true);
  poll();
  poll();
  expect(read32(0x100c8)).toBe(1);
  expect(frame.sent).toEqual([msi(0x23)]);
});

it('one that is aimed at another register of the page is MSI_*_ABT_ERR', () => {
  const { frame, port, read32, poll } = board({ address: DOORBELL_PAGE + 0x80 });
  port.read(0x1000, new Uint8Array(4));
  poll();
  // MSI_EVENTQ_ABT_ERR, whose own MSI is aborted, too: MSI_GERROR_ABT_ERR.
  expect([frame.sent, read32(0x60)]).toEqual([[], 0xa0]);
});
