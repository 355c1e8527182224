// SPDX-License-Identifier: MIT
// The path of a bus master's MSI: through an SMMU that bypasses, or translates by stage
// 1, stage 2 or both, to the ITS, which distinguishes devices of two SMMUs, or to a GICv2m
// frame, where each device has an SPI of its own.

import { describe, expect, it } from 'vitest';
import { DeviceComplex, isDoorbell, SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
import { Gicv2mFrame } from '../../../devices/gicv3/index.ts';
import { PhysicalSmmu } from '../../../devices/smmuv3/index.ts';
import {
  bypassSte,
  cfgiAll,
  contextDescriptor,
  nestedSte,
  PageTable,
  S1_READ_WRITE,
  S2_READ_WRITE,
  stage1Ste,
  stage2Ste,
  sync,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import { createHostMemory, PhysicalRam, SmmuEndpoint, Unit } from '../../../devices/unit/index.ts';
import { checkedModules } from '../../support/findings.ts';
import { tableMemory } from '../../support/table-memory.ts';
import { ITS_GPA, ITTS, ItsHarness } from './its-harness.ts';

const modules = await checkedModules();
const RAM_SIZE = 0x200000;
const SMMUS = [0x10000000, 0x20000000];
const STREAM = 3;
/** DeviceIDs of the streams of the two SMMUs. */
const DEVICE_IDS = [3, 0x103];
const FRAME_GPA = 0x08020000;
/**
 * Pages of the doorbells, which are at 0x40 in them; the message of SMMU 0's device and its
 * INTID (those of SMMU 1 are one higher, if they differ), and a message of no interrupt.
 */
const CONTROLLERS = {
  its: { page: ITS_GPA + 0x10000, messages: [7, 7], other: 6, intid: 8192 },
  v2m: { page: FRAME_GPA, messages: [40, 41], other: 48, intid: 40 },
} as const;
type Controller = keyof typeof CONTROLLERS;
const DOORBELL_OFFSET = 0x40;
/**
 * The address to which the driver writes the message, by stage 1, and the guest's address
 * of the page.
 */
const IOVA = 0x1_4000_0000;
const IPA = 0x6000_0000;

const MODES = ['bypass', 'stage 1', 'stage 2', 'nested'] as const;
type Mode = (typeof MODES)[number];

/** A frame with the GIC's INTIDs 40 to 47, of which the first two are enabled. */
function frameOf(gic: ItsHarness) {
  const frame = new Gicv2mFrame({ firstIntid: 40, spis: 8 });
  frame.attach({
    ...({} as Parameters<Gicv2mFrame['attach']>[0]),
    interruptLine: (index) => gic.device.line(40 - 32 + index),
  });
  for (const intid of CONTROLLERS.v2m.messages) gic.enable(intid, 'edge');
  return frame.msiController(FRAME_GPA);
}

/**
 * Two SMMUs and one controller of MSIs: event 7 of each SMMU's stream is LPI 8192 or 8193
 * of an ITS.
 */
function computer(mode: Mode, controller: Controller) {
  const doorbellPage = CONTROLLERS[controller].page;
  const gic = new ItsHarness().boot();
  const msis = controller === 'its' ? gic.its.msiController(ITS_GPA) : frameOf(gic);
  const hostMemory = createHostMemory({ smmus: SMMUS.length, ramSize: RAM_SIZE });
  const unit = new Unit({ modules, hostMemory, thread: 0 });
  const ram = new PhysicalRam(hostMemory);
  const { bus } = new DeviceComplex({
    devices: SMMUS.map((gpa, smmuIndex) => {
      const device = new PhysicalSmmu({ unit, smmuIndex });
      Object.defineProperty(device, 'name', { value: `smmu${smmuIndex}` });
      return { device, addresses: [gpa], firstIrq: 0 };
    }),
    memory: ram,
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    clock: SYSTEM_CLOCK,
  });
  const tables = tableMemory(ram, 0x1000);
  const ports = SMMUS.map((gpa, smmuIndex) => {
    const deviceId = DEVICE_IDS[smmuIndex] ?? 0;
    gic.mapd(deviceId, 5, ITTS + 0x1000 * smmuIndex);
    gic.mapti(deviceId, 7, 8192 + smmuIndex, 0);
    const stage1 = new PageTable(tables, { stage: 1 });
    const page = mode === 'nested' ? IPA : doorbellPage;
    stage1.map(IOVA, page, 0x1000, S1_READ_WRITE);
    const stage2 = new PageTable(tables, { stage: 2 });
    stage2.map(0, 0, RAM_SIZE, S2_READ_WRITE);
    stage2.map(IPA, doorbellPage, 0x1000, S2_READ_WRITE);
    const cd = tables.allocate(64, 64);
    writeCd(
      tables,
      cd,
      0,
      contextDescriptor({ asid: 1, lower: { ttb: stage1.root, inputBits: 48 } }),
    );
    const s1 = { contextPtr: cd };
    const s2 = { vmid: 1, ttb: stage2.root, inputBits: 48 };
    const ste = {
      bypass: bypassSte(),
      'stage 1': stage1Ste(s1),
      'stage 2': stage2Ste(s2),
      nested: nestedSte(s1, s2),
    };
    const streams = tables.allocate(1024, 1024);
    const commands = tables.allocate(256, 256);
    writeSte(tables, streams, STREAM, ste[mode]);
    writeCommand(tables, commands, 0, cfgiAll());
    writeCommand(tables, commands, 1, sync());
    bus.write(gpa + 0x080, 8, streams);
    bus.write(gpa + 0x088, 4, 4);
    bus.write(gpa + 0x090, 8, commands | 4);
    bus.write(gpa + 0x020, 4, 0x8);
    bus.write(gpa + 0x098, 4, 2);
    bus.write(gpa + 0x020, 4, 0x9);
    const memory = {
      bytes: (pa: number, length: number) => ram.bytes(pa, length),
      write32: (pa: number, data: number) => isDoorbell(msis, pa) && msis.send(deviceId, pa, data),
    };
    return new SmmuEndpoint({ unit, memory, smmuIndex }).dmaPort(STREAM);
  });
  const taken = () => {
    const intid = Number(gic.iar());
    if (intid !== 1023) gic.eoi(intid);
    return intid;
  };
  return { ports, taken };
}

const message = (event: number) => Uint8Array.of(event, 0, 0, 0);

describe.each(['its', 'v2m'] as const)('an MSI to %s', (controller) => {
  const { page, messages, other, intid } = CONTROLLERS[controller];
  const doorbell = page + DOORBELL_OFFSET;

  describe.each(MODES)('through an SMMU: %s', (mode) => {
    const address = {
      bypass: doorbell,
      'stage 1': IOVA + DOORBELL_OFFSET,
      'stage 2': IPA + DOORBELL_OFFSET,
      nested: IOVA + DOORBELL_OFFSET,
    }[mode];

    it.each([0, 1] as const)('is the interrupt of its device, with SMMU %i', (smmu) => {
      const { ports, taken } = computer(mode, controller);
      expect(ports[smmu]?.write(address, message(messages[smmu])).ok).toBe(true);
      expect([taken(), taken()]).toEqual([intid + smmu, 1023]);
      // A message that is mapped to no interrupt.
      expect(ports[smmu]?.write(address, message(other)).ok).toBe(true);
      expect(taken()).toBe(1023);
    });

    it('is not sent by an address that is not mapped to the doorbell', () => {
      const { ports, taken } = computer(mode, controller);
      for (const wrong of [IOVA + 0x1040, IPA + 0x1040, address + 4])
        expect(ports[0]?.write(wrong, message(messages[0])).ok).toBe(false);
      if (mode !== 'bypass') expect(ports[0]?.write(doorbell, message(messages[0])).ok).toBe(false);
      expect(taken()).toBe(1023);
    });
  });
});
