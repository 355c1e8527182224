// SPDX-License-Identifier: MIT
// The path of a bus master's MSI: through an SMMU that bypasses, or translates by stage
// 1, stage 2 or both, to the ITS, which distinguishes devices of two SMMUs.

import { describe, expect, it } from 'vitest';
import { DeviceComplex, isDoorbell, SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
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
const DOORBELL = ITS_GPA + 0x10040;
const DOORBELL_PAGE = ITS_GPA + 0x10000;
/**
 * The address to which the driver writes the message, by stage 1, and the guest's address
 * of the page.
 */
const IOVA = 0x1_4000_0000;
const IPA = 0x6000_0000;

const MODES = ['bypass', 'stage 1', 'stage 2', 'nested'] as const;
type Mode = (typeof MODES)[number];

/** Two SMMUs and one ITS; event 7 of each SMMU's stream is LPI 8192 or 8193. */
function computer(mode: Mode) {
  const gic = new ItsHarness().boot();
  const msis = gic.its.msiController(ITS_GPA);
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
    const page = mode === 'nested' ? IPA : DOORBELL_PAGE;
    stage1.map(IOVA, page, 0x1000, S1_READ_WRITE);
    const stage2 = new PageTable(tables, { stage: 2 });
    stage2.map(0, 0, RAM_SIZE, S2_READ_WRITE);
    stage2.map(IPA, DOORBELL_PAGE, 0x1000, S2_READ_WRITE);
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

describe.each(MODES)('an MSI through an SMMU: %s', (mode) => {
  const address = {
    bypass: DOORBELL,
    'stage 1': IOVA + 0x40,
    'stage 2': IPA + 0x40,
    nested: IOVA + 0x40,
  }[mode];

  it.each([0, 1])('is the LPI of its device, with SMMU %i', (smmu) => {
    const { ports, taken } = computer(mode);
    expect(ports[smmu]?.write(address, message(7)).ok).toBe(true);
    expect([taken(), taken()]).toEqual([8192 + smmu, 1023]);
    // Another event of the device has no mapping.
    expect(ports[smmu]?.write(address, message(6)).ok).toBe(true);
    expect(taken()).toBe(1023);
  });

  it('is not sent by an address that is not mapped to the doorbell', () => {
    const { ports, taken } = computer(mode);
    for (const wrong of [IOVA + 0x1040, IPA + 0x1040, address + 4])
      expect(ports[0]?.write(wrong, message(7)).ok).toBe(false);
    if (mode !== 'bypass') expect(ports[0]?.write(DOORBELL, message(7)).ok).toBe(false);
    expect(taken()).toBe(1023);
  });
});
