// SPDX-License-Identifier: MIT
// The attributes of a DMA access, down to the descriptors against which they are checked.

import { beforeAll, beforeEach, expect, it } from 'vitest';
import type { HotModules } from '../../../assembly/load.ts';
import type { DmaPort } from '../../../devices/plugin/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  writeCd,
} from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import {
  DATA_GPA,
  IOVA,
  type LentVm,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
} from '../../support/lent-vm.ts';

let modules: HotModules;
beforeAll(async () => {
  modules = await checkedModules();
});

const HOLE = IOVA + 0x7000;
const PRIVILEGED_PAGE = IOVA + 0x1000;
const DATA_PAGE = IOVA + 0x2000;
/** AP[1], and UXN with PXN, of a stage-1 descriptor. */
const [AP1, XN] = [0x40n, 0x60_0000_0000_0000n];

let vm: LentVm;
let port: DmaPort;

function tableOf(page: number, asid: number) {
  const table = new PageTable(vm.memory, { stage: 1 });
  table.map(IOVA, DATA_GPA + page * 0x1000, 0x1000, S1_READ_WRITE);
  table.map(PRIVILEGED_PAGE, DATA_GPA, 0x1000, S1_READ_WRITE & ~AP1);
  table.map(DATA_PAGE, DATA_GPA, 0x1000, S1_READ_WRITE | XN);
  return { asid, outputBits: 48, lower: { ttb: table.root, inputBits: 48 } };
}

/** Two substreams: 0 has the first page of the data at IOVA, 1 the second. */
async function attach(options: { readonly stall?: boolean } = {}) {
  const host = await checkedHost(VmHost, { modules });
  vm = lendVm(host);
  port = host.dmaPort(vm.viommu, STREAM);
  const cds = vm.memory.allocate(128, 128);
  for (const page of [0, 1]) {
    vm.bytes.fill(
      0xa0 + page,
      DATA_GPA - RAM_GPA_BASE + page * 0x1000,
      DATA_GPA - RAM_GPA_BASE + (page + 1) * 0x1000,
    );
    writeCd(vm.memory, cds, page, contextDescriptor({ ...tableOf(page, 5 + page), ...options }));
  }
  vm.viommu.attachStream(STREAM, stage1Ste({ contextPtr: cds, cdMax: 1 }));
  return host;
}

let host: VmHost;
beforeEach(async () => {
  host = await attach();
});

const read = (iova: number, attributes?: Parameters<DmaPort['read']>[2]) => {
  const byte = new Uint8Array(1);
  const { ok } = port.read(iova, byte, attributes);
  return ok ? byte[0] : undefined;
};
const lastEvent = () => {
  host.service(true);
  return [...(vm.events.at(-1) ?? [])].slice(0, 4);
};

it('the PASID is the SubstreamID: each has its own address space', () => {
  expect([read(IOVA), read(IOVA, { pasid: 1 }), read(IOVA, { pasid: 0 })]).toEqual([
    0xa0,
    0xa1,
    undefined,
  ]);
  // CD 0 is for transactions without a SubstreamID (S1DSS = 0b10): F_STREAM_DISABLED.
  expect(lastEvent()).toEqual([0x06, STREAM, 0, 0]);
  expect(port.write(IOVA, Uint8Array.of(0x77), { pasid: 1 })).toEqual({ ok: true, done: 1 });
  expect([read(IOVA), read(IOVA, { pasid: 1 })]).toEqual([0xa0, 0x77]);
});

it.each([
  // F_TRANSLATION 0x10, SSV bit 11, SubstreamID [31:12]; PnU bit 1, InD bit 2, RnW bit 3,
  // CLASS IN 0x200.
  ['a read', {}, false, [0x10, STREAM, 0, 0x208]],
  ['a write', {}, true, [0x10, STREAM, 0, 0x200]],
  ['a read with a PASID', { pasid: 1 }, false, [0x1810, STREAM, 0, 0x208]],
  [
    'a privileged write with a PASID',
    { pasid: 1, privileged: true },
    true,
    [0x1810, STREAM, 0, 0x202],
  ],
  ['a privileged read', { privileged: true }, false, [0x10, STREAM, 0, 0x20a]],
  ['a fetch of instructions', { instruction: true }, false, [0x10, STREAM, 0, 0x20c]],
  // Writes are data.
  ['a write of instructions', { instruction: true }, true, [0x10, STREAM, 0, 0x200]],
])('%s is recorded as what it is', (_name, attributes, write, words) => {
  const byte = new Uint8Array(1);
  const access = write ? port.write(HOLE, byte, attributes) : port.read(HOLE, byte, attributes);
  expect(access).toEqual({ ok: false, done: 0 });
  expect(lastEvent()).toEqual(words);
});

it('privilege and instruction fetch meet the permissions of the page', () => {
  expect([read(PRIVILEGED_PAGE), read(PRIVILEGED_PAGE, { privileged: true })]).toEqual([
    undefined,
    0xa0,
  ]);
  expect([read(DATA_PAGE), read(DATA_PAGE, { instruction: true })]).toEqual([0xa0, undefined]);
  expect(read(DATA_PAGE, { instruction: true, privileged: true })).toBeUndefined();
  expect(read(IOVA, { instruction: true })).toBe(0xa0);
});

it.each([-1, 0x100000, 1.5, Number.NaN])(
  'a PASID of %d is refused, and nothing recorded',
  (pasid) => {
    expect(read(IOVA, { pasid })).toBeUndefined();
    expect(port.write(IOVA, new Uint8Array(1), { pasid })).toEqual({ ok: false, done: 0 });
    host.service(true);
    expect(vm.events).toEqual([]);
  },
);

it('a PASID of 20 bits beyond the CDs of the stream is C_BAD_SUBSTREAMID', () => {
  expect(read(IOVA, { pasid: 0xfffff })).toBeUndefined();
  expect(lastEvent()).toEqual([0xfffff008, STREAM, 0, 0]);
});

it('stalled accesses of one address are kept apart by their attributes', async () => {
  host = await attach({ stall: true });
  const byte = new Uint8Array(1);
  const accesses = [undefined, { pasid: 1 }, { pasid: 1, privileged: true }] as const;
  const stall = () => accesses.map((attributes) => port.read(HOLE, byte, attributes).stalled);
  expect(stall()).toEqual([true, true, true]);
  expect(stall()).toEqual([true, true, true]);
  host.service(true);
  // One record each: retries while it waits are the same access.
  expect(vm.events.map(([word]) => word)).toEqual([0x10, 0x1810, 0x1810]);
  port.abandon?.();
});
