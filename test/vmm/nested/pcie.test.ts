// SPDX-License-Identifier: MIT
// PCIe functions with an SMMU: DMA and MSI-X messages go where the function's tables map
// them, with its requester ID, and nowhere else.

import { beforeEach, describe, expect, it } from 'vitest';
import { DeviceComplex, guestMemoryOf, type Placement } from '../../../devices/bus/index.ts';
import { DmaEnginePci } from '../../../devices/dma-engine/index.ts';
import { type PcieFunction, PcieHost, PcieRootPort } from '../../../devices/pcie/index.ts';
import { S1_READ_WRITE } from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import {
  DOORBELL,
  DOORBELL_PAGE,
  FakeInterruptController,
} from '../../support/fake-interrupt-controller.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import {
  attachStage1,
  DATA_GPA,
  IOVA,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
} from '../../support/lent-vm.ts';
import { ecam } from '../../support/pcie-function.ts';

const modules = await checkedModules();
const ECAM = 0x3f000000;
const WINDOW = { gpa: 0x10000000, size: 0x200000 };
const [FILL, DONE, WRITE_FAULT] = [2, 1, 3];
const [MEMORY, MASTER] = [2, 4];
/** The requester ID of device 1 is the harness's stream. */
const DEVICE = STREAM >> 3;

let host: VmHost;
beforeEach(async () => {
  host = await checkedHost(VmHost, { modules });
});

/** A host bridge with functions from device 1 on, with an SMMU that has these streams. */
function board(functions: readonly PcieFunction[], streams = [STREAM]) {
  const its = new FakeInterruptController();
  const lent = lendVm(host, 'vm', { msis: its, streams });
  const bridge = new PcieHost({
    buses: 4,
    window: WINDOW,
    functions: functions.map((plugged, i) => ({ device: DEVICE + i, plugged })),
  });
  const portOf = (stream: number) => host.dmaPort(lent.viommu, stream);
  const devices: Placement[] = [
    { device: bridge, addresses: [ECAM, WINDOW.gpa], firstIrq: 0 },
    ...bridge.functions.map((device) => ({
      device,
      addresses: [],
      bridged: true,
      ...(device instanceof PcieRootPort ? {} : { dmaPort: bridge.dmaPortOf(device, portOf) }),
    })),
  ];
  const line = { pulse: () => undefined, setLevel: () => undefined };
  const { bus } = new DeviceComplex({
    devices,
    memory: guestMemoryOf(lent.vm.memory, lent.vm.regions),
    interrupts: { line: () => line },
    clock: { nowNs: () => 0 },
  });
  /** Makes the engine with BAR 0 at an address fill 16 bytes. Returns its status. */
  const fill = (bar: number, iova: number, interrupt = 0) => {
    for (const [offset, value] of [
      [0x18, iova % 2 ** 32],
      [0x1c, Math.floor(iova / 2 ** 32)],
      [0x0c, 16],
      [0x20, 0x5a5a5a5a],
      [0x34, interrupt],
      [0x04, FILL],
    ] as const)
      bus.write(bar + offset, 4, value);
    return bus.read(bar + 0x08, 4);
  };
  return { ...lent, its, bus, fill };
}

/** One engine, its BARs at the start of the range, with one page at IOVA in stage 1. */
function engine() {
  const one = board([new DmaEnginePci('dma')]);
  const at = ECAM + ecam(0, DEVICE, 0);
  one.bus.write(at + 0x10, 4, WINDOW.gpa);
  one.bus.write(at + 0x14, 4, WINDOW.gpa + 0x1000);
  one.bus.write(at + 4, 2, MEMORY | MASTER);
  const table = attachStage1(one);
  /** Vector 0 is sent to an iova. */
  const setVector = (iova: number, data: number) => {
    const words = [iova % 2 ** 32, Math.floor(iova / 2 ** 32), data, 0];
    for (const [i, word] of words.entries()) one.bus.write(WINDOW.gpa + 0x1000 + 4 * i, 4, word);
    one.bus.write(at + 0x7e, 2, 0x8000);
  };
  return { ...one, at, table, setVector };
}

describe('a PCIe function with an SMMU', () => {
  it('reaches the page that stage 1 maps, and no other byte of RAM', () => {
    const { fill, bytes, events } = engine();
    const before = bytes.slice();
    for (const iova of [DATA_GPA, RAM_GPA_BASE, IOVA + 0x1000, 0])
      expect(fill(WINDOW.gpa, iova)).toBe(WRITE_FAULT);
    expect(Buffer.compare(before, bytes)).toBe(0);
    host.service(true);
    // F_TRANSLATION of the function's StreamID.
    expect(events.map((record) => [record[0], record[1]])).toEqual(
      Array.from({ length: 4 }, () => [0x10, STREAM]),
    );
    expect(fill(WINDOW.gpa, IOVA + 0x40)).toBe(DONE);
    const offset = DATA_GPA - RAM_GPA_BASE + 0x40;
    expect(before.findIndex((byte, i) => byte !== bytes[i])).toBe(offset);
    before.fill(0x5a, offset, offset + 16);
    expect(Buffer.compare(before, bytes)).toBe(0);
  });

  it('has its messages translated, under its requester ID', () => {
    const { fill, its, table, setVector, events } = engine();
    table.map(IOVA + 0x5000, DOORBELL_PAGE, 0x1000, S1_READ_WRITE);
    setVector(IOVA + 0x5040, 0x77);
    expect(fill(WINDOW.gpa, IOVA, 1)).toBe(DONE);
    expect(its.sent).toEqual([[STREAM, 0x77]]);
    // Stage 1 does not map the doorbell's own address.
    setVector(DOORBELL, 0x78);
    expect(fill(WINDOW.gpa, IOVA, 1)).toBe(DONE);
    expect(its.sent).toHaveLength(1);
    host.service(true);
    expect(events.map((record) => [record[0], record[4]])).toEqual([[0x10, DOORBELL]]);
  });

  it('accesses nothing while the SMMU aborts, or while it is not a bus master', () => {
    const { bus, fill, viommu } = board([new DmaEnginePci('dma')]);
    const at = ECAM + ecam(0, DEVICE, 0);
    bus.write(at + 0x10, 4, WINDOW.gpa);
    const outcomes = [
      [MEMORY | MASTER, true],
      [MEMORY, false],
      [MEMORY | MASTER, false],
    ] as const;
    const statuses = outcomes.map(([command, aborts]) => {
      bus.write(at + 4, 2, command);
      viommu.setGlobalBypass(aborts);
      return fill(WINDOW.gpa, DATA_GPA);
    });
    expect(statuses).toEqual([WRITE_FAULT, WRITE_FAULT, DONE]);
  });

  it('has the StreamID of the bus that software has numbered', () => {
    const behind = new DmaEnginePci('dma');
    const streams = [0x100, 0x200, STREAM];
    const { bus, fill, its, viommu } = board([new PcieRootPort('port', [behind])], streams);
    viommu.setGlobalBypass(false);
    const port = ECAM + ecam(0, DEVICE, 0);
    const seen = [1, 2].map((number) => {
      bus.write(port + 0x18, 4, number * 0x10100);
      bus.write(port + 0x20, 4, 0x10001000);
      bus.write(port + 4, 2, MEMORY | MASTER);
      const at = ECAM + ecam(number, 0, 0);
      bus.write(at + 0x10, 4, WINDOW.gpa);
      bus.write(at + 0x14, 4, WINDOW.gpa + 0x1000);
      bus.write(at + 4, 2, MEMORY | MASTER);
      for (const [i, word] of [DOORBELL, 0, number, 0].entries())
        bus.write(WINDOW.gpa + 0x1000 + 4 * i, 4, word);
      bus.write(at + 0x7e, 2, 0x8000);
      return [fill(WINDOW.gpa, DATA_GPA, 1), bus.read(WINDOW.gpa + 0x30, 4)];
    });
    expect(seen).toEqual([
      [DONE, 0x100],
      [DONE, 0x200],
    ]);
    expect(its.sent).toEqual([
      [0x100, 1],
      [0x200, 2],
    ]);
  });
});
