// SPDX-License-Identifier: MIT
// Hosts whose SMMU is not the default one: narrow and wide PAs, granules, few StreamIDs,
// the largest queues. A VM's DMA works on them, with and without a stage 1, or the host
// reports why not. The SMMU checks that every STE is legal: there is no C_BAD_STE.

import { expect, it } from 'vitest';
import { CD_SIZE } from '../../../assembly/layout/cd.ts';
import { type SmmuIdRegisters, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  bypassSte,
  contextDescriptor,
  GRANULE_4K,
  GRANULE_16K,
  GRANULE_64K,
  type Granule,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
} from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import {
  attachStage1,
  guestRam,
  IOVA,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
} from '../../support/lent-vm.ts';

/** Mapped by tables of 64 KiB granules. */
const DATA = RAM_GPA_BASE + 0x180000;

const modules = await checkedModules();

const HOST: SmmuIdRegisters = {
  idr0: 0x0c4d3c9b,
  idr1: 0x014a5510,
  idr2: 0,
  idr3: 0x504,
  idr4: 0,
  idr5: 0x04000075,
  iidr: 0,
  aidr: 2,
};
/** Codes of IDR5.OAS, and of its granules. */
const SIZES = [36, 40, 42, 44, 48, 52].map((bits, i) => [bits, i + 1] as const);
const GRANULES: readonly (readonly [string, Granule, number])[] = [
  ['every granule', GRANULE_4K, 0x70],
  ['4 KiB', GRANULE_4K, 0x10],
  ['16 KiB', GRANULE_16K, 0x20],
  ['64 KiB', GRANULE_64K, 0x40],
];
const PLACES = SIZES.flatMap(([bits, oas]) =>
  GRANULES.filter(([, , grans]) => bits < 52 || grans & 0x40).map(
    ([name, granule, grans]) => [bits, name, granule, 0x0400_0000 | grans | oas] as const,
  ),
);

it.each(PLACES)('PAs of %i bits, %s', async (bits, _name, granule, idr5) => {
  const host = await checkedHost(VmHost, { modules, idRegisters: { ...HOST, idr5 } });
  const vm = lendVm(host, 'a');
  expect(new VirtualSmmu({ backend: vm.viommu }).name).toBe('smmuv3');
  vm.bytes.fill(0x5a, DATA - RAM_GPA_BASE, DATA - RAM_GPA_BASE + 0x10000);
  const port = host.dmaPort(vm.viommu, STREAM);
  const read = (iova: number) => {
    const bytes = new Uint8Array(8);
    const { ok } = port.read(iova, bytes);
    host.service(true);
    return ok && bytes.every((byte) => byte === 0x5a);
  };
  // Stage 2 alone. At the end of its input nothing is mapped, which concerns the host;
  // beyond PAs it is F_ADDR_SIZE.
  vm.viommu.attachStream(STREAM, bypassSte());
  const end = 2 ** Math.min(bits, 48);
  expect([read(DATA), read(end - 8), read(end)]).toEqual([true, false, false]);
  const ids = () => vm.events.splice(0).map((event) => (event[0] ?? 0) & 0xff);
  expect([ids(), host.statistics.strayEvents]).toEqual([bits < 52 ? [0x11] : [], 0]);
  // Stage 1 as well.
  const table = new PageTable(vm.memory, { stage: 1, granule });
  table.map(IOVA, DATA, granule, S1_READ_WRITE);
  const cd = vm.memory.allocate(CD_SIZE, CD_SIZE);
  const lower = { ttb: table.root, inputBits: 48, granule };
  storeStructure(
    vm.memory,
    cd,
    contextDescriptor({ asid: 5, outputBits: Math.min(bits, 48), lower }),
  );
  vm.viommu.attachStream(STREAM, stage1Ste({ contextPtr: cd }));
  expect([read(IOVA), read(IOVA + granule)]).toEqual([true, false]);
  expect(ids()).toEqual([0x10]);
});

it.each([
  [32, 0],
  [36, 15],
  [40, 63],
])('PAs of %i bits have windows for %i VMs', async (bits, most) => {
  const code = [32, 36, 40].indexOf(bits);
  const idRegisters = { ...HOST, idr5: (HOST.idr5 & ~7) | code };
  const host = await VmHost.create({ modules, idRegisters });
  const { wasm, regions } = guestRam();
  for (let i = 0; i < most; i++) host.createVm(`vm${i}`, wasm, regions);
  expect(() => host.createVm('one more', wasm, regions)).toThrow(
    most === 63
      ? 'a host has at most 63 VMs'
      : `a host has at most ${most} VMs with PAs as narrow as its SMMU's (IDR5.OAS)`,
  );
});

it.each([
  [8, 15, 16],
  [6, 3, 16],
  [12, 63, 16],
  [32, 63, 256],
])('StreamIDs of %i bits are enough for %i vIOMMUs of %i', async (bits, most, streams) => {
  const idRegisters = { ...HOST, idr1: (HOST.idr1 & ~0x3f) | bits };
  const host = await VmHost.create({ modules, idRegisters, vintfs: 64 });
  const { wasm, regions } = guestRam();
  const vm = host.createVm('vm', wasm, regions);
  const numbers = Array.from({ length: streams + 1 }, (_, i) => i);
  expect(() => host.createViommu(vm, numbers)).toThrow(
    `a vIOMMU has at most ${streams} StreamIDs behind this SMMU, not ${streams + 1}`,
  );
  const last = most - 1;
  const viommus = Array.from({ length: most }, (_, i) =>
    host.createViommu(vm, i === last ? numbers.slice(0, 16) : [STREAM]),
  );
  const own = viommus.flatMap((viommu) => [...viommu.streams.values()]);
  expect(new Set(own).size).toBe(own.length);
  expect(Math.min(...own)).toBeGreaterThanOrEqual(streams);
  expect(Math.max(...own)).toBeLessThan(2 ** bits);
  expect(() => host.createViommu(vm, [])).toThrow(/has enough for at most|at most 63/);
  host.destroyVm(vm);
  const again = lendVm(host, 'again');
  attachStage1(again);
  const bytes = new Uint8Array(1);
  expect(host.dmaPort(again.viommu, STREAM).read(IOVA, bytes).ok).toBe(true);
});

/** The default host with queues of other sizes: CMDQS, EVENTQS. */
const queuesOf = (commands: number, events: number) => ({
  ...HOST,
  idr1: (HOST.idr1 & ~0x03ff_0000) | (commands << 21) | (events << 16),
});

it.each([
  ['of every kind', { idRegisters: { ...HOST, idr1: 0x02739d10 } }, 32],
  ['of commands alone', { idRegisters: queuesOf(19, 0) }, 24],
  ['of events alone', { idRegisters: queuesOf(8, 19) }, 16],
  ['in each of 8 VCMDQs of a VINTF', { idRegisters: queuesOf(19, 10), vcmdqs: 128 }, 72],
  ['behind a smaller SMMU', { smmus: [{}, { idRegisters: queuesOf(19, 0), vintfs: 2 }] }, 24],
] as const)(
  'queues of 2^19 entries %s have room in host RAM by default',
  async (_, options, mib) => {
    const host = await VmHost.create({ modules, ...options });
    expect(host.statistics.ramInUse).toBeGreaterThan(mib * 2 ** 20);
    const vm = lendVm(host, 'a', { smmu: 'smmus' in options ? 1 : 0 });
    attachStage1(vm);
    const bytes = new Uint8Array(1);
    const port = host.dmaPort(vm.viommu, STREAM);
    expect([port.read(IOVA, bytes).ok, port.read(IOVA + 0x1000, bytes).ok]).toEqual([true, false]);
    host.service(true);
    expect(vm.events.length).toBe(1);
  },
);

// A kernel's batch is written to such a ring in pieces: a CMD_SYNC that came too early
// would overwrite a command of it.
it.each([0, 1, 2, 3])('a CMDQ of 2^%i commands executes each of them', async (log2size) => {
  const idRegisters = queuesOf(log2size, log2size);
  const host = await checkedHost(VmHost, { modules, idRegisters });
  const streams = Array.from({ length: 20 }, (_, i) => STREAM + i);
  const { wasm, regions, memory } = guestRam();
  const viommu = host.createViommu(host.createVm('a', wasm, regions), streams);
  expect(new VirtualSmmu({ backend: viommu }).name).toBe('smmuv3');
  const stalls = { viommu, memory };
  attachStage1(stalls, { stall: true });
  const port = host.dmaPort(viommu, STREAM);
  const bytes = new Uint8Array(1);
  expect([port.read(IOVA, bytes).ok, port.read(IOVA + 0x1000, bytes).stalled]).toEqual([
    true,
    true,
  ]);
  // Disabled: STALL_TERM of each stream is one batch. The stalled access is of the first
  // one.
  viommu.setGlobalBypass(true);
  expect(port.read(IOVA + 0x1000, bytes)).toEqual({ ok: false, done: 0 });
});
