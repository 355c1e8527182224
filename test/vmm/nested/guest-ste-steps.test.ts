// SPDX-License-Identifier: MIT
// The sanitizer on a guest's STE: changes with a missing CFGI, although its SMMU reads
// the whole entry at each.

import { describe, expect, it } from 'vitest';
import { CD_SIZE } from '../../../assembly/layout/cd.ts';
import {
  SMMU_CR0,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
} from '../../../assembly/layout/smmu-registers.ts';
import {
  attachDevices,
  BackgroundLoops,
  guestMemoryOf,
  SYSTEM_CLOCK,
} from '../../../devices/bus/index.ts';
import { VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  cfgiSte,
  contextDescriptor,
  level1SteDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
  sync,
} from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, takeFindings } from '../../support/findings.ts';
import { idleDirectMaps } from '../../support/idle-direct-maps.ts';
import {
  ASID,
  DATA_GPA,
  IOVA,
  lendVm,
  STREAM,
  sendOnVcmdq,
  startVcmdq,
} from '../../support/lent-vm.ts';

const LOG2_STREAMS = 5;
const STE_SIZE = 64;
/** FMT 2-level, SPLIT 6, 2^8 StreamIDs. */
const TWO_LEVEL = 0x10188;

async function machine(config = LOG2_STREAMS) {
  const host = await checkedHost(VmHost);
  const lent = lendVm(host, 'vm', { onQueueError: () => 'emulate' });
  const { vm, viommu, memory } = lent;
  const smmu = new VirtualSmmu({ backend: viommu });
  const background = new BackgroundLoops();
  attachDevices([{ device: smmu, addresses: [0x09050000], firstIrq: 0 }], {
    memory: guestMemoryOf(vm.memory, vm.regions),
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    directMaps: idleDirectMaps(vm.memory),
    background,
    clock: SYSTEM_CLOCK,
  });
  const write = (offset: number, value: number) =>
    smmu.write({ region: 0, offset, size: 4, lo: value, hi: 0, vcpu: 0 });
  const streams = memory.allocate(STE_SIZE << LOG2_STREAMS, STE_SIZE << LOG2_STREAMS);
  const level2 = memory.allocate(0x1000, 0x1000);
  const table = config === TWO_LEVEL ? level2 : streams;
  if (config === TWO_LEVEL) memory.store64(streams, level1SteDescriptor(level2, 7));
  write(SMMU_STRTAB_BASE, streams);
  write(SMMU_STRTAB_BASE_CFG, config);
  write(SMMU_CR0, 1);
  while (background.poll() > 0);
  startVcmdq(lent);
  const pages = new PageTable(memory, { stage: 1 });
  pages.map(IOVA, DATA_GPA, 0x1000, S1_READ_WRITE);
  const cd = memory.allocate(CD_SIZE, CD_SIZE);
  const lower = { ttb: pages.root, inputBits: 48 };
  storeStructure(memory, cd, contextDescriptor({ asid: ASID, outputBits: 48, lower }));
  const port = host.dmaPort(viommu, STREAM);
  return {
    ste: stage1Ste({ contextPtr: cd }),
    store: (ste: Uint32Array) => storeStructure(memory, table + STE_SIZE * STREAM, ste),
    /** Another level-2 table, with the same STE. */
    move(ste: Uint32Array) {
      const other = memory.allocate(0x1000, 0x1000);
      storeStructure(memory, other + STE_SIZE * STREAM, ste);
      memory.store64(streams, level1SteDescriptor(other, 7));
    },
    invalidate(leaf = true, stream = STREAM) {
      sendOnVcmdq(lent, cfgiSte(stream, leaf), sync());
      while (background.poll() > 0);
      host.service(false);
    },
    access: () => port.read(IOVA, new Uint8Array(1)).ok,
    findings: () =>
      takeFindings(host).map(({ kind, machine, because, command }) => [
        kind,
        machine,
        because?.split(':')[0],
        command.text,
      ]),
  };
}

const INVALID = (ste: Uint32Array) => ste.map((word, i) => (i < 2 ? 0 : word));

describe('an STE of a guest', () => {
  it('may become valid in two steps with a CFGI each', async () => {
    const { ste, store, invalidate, access, findings } = await machine();
    expect(access()).toBe(false);
    store(INVALID(ste));
    invalidate();
    expect(access()).toBe(false);
    store(ste);
    invalidate();
    expect([access(), findings()]).toEqual([true, []]);
  });

  it('may not in one', async () => {
    const { ste, store, invalidate, access, findings } = await machine();
    expect(access()).toBe(false);
    store(ste);
    invalidate();
    expect(access()).toBe(true);
    expect(findings()).toEqual([
      [
        'STE',
        'vm',
        'two doublewords in use have changed with one CFGI',
        'CFGI_STE StreamID=0x8 Leaf=0x1',
      ],
    ]);
    // Reported once.
    expect([access(), findings()]).toEqual([true, []]);
  });

  it('may while no access has used the stream', async () => {
    const { ste, store, invalidate, access, findings } = await machine();
    store(ste);
    invalidate();
    expect([access(), findings()]).toEqual([true, []]);
  });

  it('needs its CFGI when it becomes valid', async () => {
    const { ste, store, access, findings } = await machine();
    store(INVALID(ste));
    expect(access()).toBe(false);
    store(ste);
    expect(access()).toBe(false);
    expect(findings().map(([kind, , , command]) => [kind, command])).toEqual([
      ['STE', 'CFGI_STE StreamID=0x8 Leaf=0x1'],
    ]);
  });
});

describe('a level-1 descriptor of a guest', () => {
  it.each([
    ['Leaf = 1', true, STREAM, 1],
    ['Leaf = 0', false, STREAM, 0],
    ['Leaf = 0 of a neighbour', false, STREAM + 1, 0],
  ])('that leads elsewhere needs its CFGI_STE: %s', async (_name, leaf, stream, found) => {
    const { ste, store, move, invalidate, access, findings } = await machine(TWO_LEVEL);
    store(ste);
    invalidate();
    expect(access()).toBe(true);
    move(ste);
    invalidate();
    invalidate(leaf, stream);
    expect(access()).toBe(true);
    expect(findings()).toEqual(
      Array.from({ length: found }, () => [
        'STE',
        'vm',
        'an SMMU may still have the level-1 descriptor',
        'CFGI_STE StreamID=0x8 Leaf=0x0',
      ]),
    );
    // Reported once.
    expect([access(), findings()]).toEqual([true, []]);
  });
});
