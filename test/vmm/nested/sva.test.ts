// SPDX-License-Identifier: MIT
// Shared virtual addressing (SVA) with broadcast TLB maintenance: a device uses the
// addresses of a process, with the process's tables and ASID, and the process's own TLBIs
// are the only invalidations.

import { beforeAll, describe, expect, it } from 'vitest';
import { CD_ASET, CD_SIZE } from '../../../assembly/layout/cd.ts';
import { EVT_SSID } from '../../../assembly/layout/events.ts';
import { ABI_TLBI_ASID, ABI_TLBI_VA } from '../../../assembly/layout/guest-abi.ts';
import { QUEUE_MAIN } from '../../../assembly/layout/queue-memory.ts';
import type { HotModules } from '../../../assembly/load.ts';
import { fieldOf, setField } from '../../../devices/plugin/index.ts';
import { PHYSICAL_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
  sync,
  tlbiNhAsid,
  tlbiNhVa,
} from '../../../devices/tables/index.ts';
import { QueueBlock } from '../../../devices/unit/index.ts';
import { VmidAllocator } from '../../../host/kernel/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost, checkedModules, takeFindings } from '../../support/findings.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import { DATA_GPA, lendVm, STREAM, sendOnCmdq } from '../../support/lent-vm.ts';

/** IDR0.BTM. */
const BTM = 1 << 5;
const WITH_BTM = { ...PHYSICAL_ID_REGISTERS, idr0: PHYSICAL_ID_REGISTERS.idr0 | BTM };
const CD_MAX = 2;
const VA = 0x5555_0000;
const PAGE = 0x1000;

let modules: HotModules;
beforeAll(async () => {
  modules = await checkedModules();
});

/**
 * A VM whose kernel has a domain of its own for a device (CD 0), and binds it to
 * processes by PASID.
 */
async function setup(idRegisters = WITH_BTM) {
  const host = await checkedHost(VmHost, { modules, idRegisters });
  const btm = idRegisters === WITH_BTM;
  const lent = lendVm(host, 'vm', { btm });
  const { memory, viommu, vm } = lent;
  const cds = memory.allocate(CD_SIZE * 2 ** CD_MAX, CD_SIZE * 2 ** CD_MAX);
  let frames = DATA_GPA;

  /** gpa of a program's load or store, according to its tables. */
  const gpaOf = (table: PageTable, va: number) => {
    const leaf = table.leafOf(va);
    const descriptor = leaf === undefined ? 0n : memory.load64(leaf);
    if ((descriptor & 1n) === 0n) throw new Error('the process has nothing there');
    return Number(descriptor & 0xffff_ffff_f000n) + (va % PAGE);
  };

  const bind = (pasid: number, asid: number, shared: boolean) => {
    const table = new PageTable(memory, { stage: 1 });
    const cd = contextDescriptor({ asid, lower: { ttb: table.root, inputBits: 48 } });
    setField(cd, CD_ASET, shared ? 0 : 1);
    storeStructure(memory, cds + CD_SIZE * pasid, cd);
    return {
      table,
      asid,
      mmap(va: number, value: number) {
        const frame = frames;
        frames += PAGE;
        table.map(va, frame, PAGE, S1_READ_WRITE);
        memory.store64(gpaOf(table, va), BigInt(value));
      },
      munmap: (va: number) => table.unmap(va, PAGE),
      /** The processor's TLBI and DSB, wherever its vCPU runs. */
      tlbi(operation: number, va = 0) {
        host.vcpuRuns(vm, 0, true);
        vm.unit.drain.tlbi(operation, asid, BigInt(va));
        expect(vm.unit.drain.dsb(0n)).toBe(0n);
        host.vcpuRuns(vm, 0, false);
      },
      /**
       * Linux's quiet CD of a process that has exited: nothing is translated, nothing
       * recorded.
       */
      release: () =>
        storeStructure(memory, cds + CD_SIZE * pasid, contextDescriptor({ asid, record: false })),
    };
  };
  // Shared and private ASIDs use one number space: Linux gives a domain another one when
  // a process needs its.
  const kernel = bind(0, 9, false);
  const [one, two] = [bind(1, 7, true), bind(2, 8, true)];
  viommu.attachStream(STREAM, stage1Ste({ contextPtr: cds, cdMax: CD_MAX }));
  const port = host.dmaPort(viommu, STREAM);
  return {
    host,
    lent,
    kernel,
    one,
    two,
    /** The device's read at an address: a byte, or nothing. */
    reads(va: number, pasid?: number) {
      const byte = new Uint8Array(1);
      return port.read(va, byte, { pasid }).ok ? byte[0] : undefined;
    },
    writes: (va: number, value: number, pasid: number) =>
      port.write(va, Uint8Array.of(value), { pasid }).ok,
    loads: (process: { readonly table: PageTable }, va: number) =>
      Number(memory.load64(gpaOf(process.table, va)) & 0xffn),
    entries: () => footprintOf(viommu, lent.vintf)['IOTLB entries'].count,
    /** Number of commands that the SMMU's queues have executed. */
    commands: () =>
      Array.from({ length: QUEUE_MAIN + 1 }, (_, i) => new QueueBlock(host.memory, 0, i))
        .concat(viommu.commandQueue)
        .reduce((sum, { counts }) => sum + counts.commands, 0),
  };
}

describe('a device that shares a process’s addresses', () => {
  it('reads what the process has written there, each process and the kernel for itself', async () => {
    const { kernel, one, two, reads, writes, loads } = await setup();
    kernel.mmap(VA, 10);
    one.mmap(VA, 11);
    two.mmap(VA, 12);
    expect([reads(VA), reads(VA, 1), reads(VA, 2)]).toEqual([10, 11, 12]);
    expect(writes(VA, 99, 1)).toBe(true);
    expect([loads(kernel, VA), loads(one, VA), loads(two, VA)]).toEqual([10, 99, 12]);
    expect(reads(VA + PAGE, 1)).toBe(undefined);
    one.mmap(VA + PAGE, 13);
    expect(reads(VA + PAGE, 1)).toBe(13);
  });

  it('cannot access the page after the process’s own TLBI and DSB: no command is sent', async () => {
    const { host, lent, kernel, one, two, reads, entries, commands } = await setup();
    for (const [process, value] of [
      [kernel, 10],
      [one, 11],
      [two, 12],
    ] as const)
      process.mmap(VA, value);
    expect([reads(VA), reads(VA, 1), reads(VA, 2), entries()]).toEqual([10, 11, 12, 3]);
    const before = commands();
    one.munmap(VA);
    one.tlbi(ABI_TLBI_VA, VA);
    expect(entries()).toBe(2);
    expect([reads(VA, 1), reads(VA), reads(VA, 2)]).toEqual([undefined, 10, 12]);
    expect(commands()).toBe(before);
    host.service(true);
    expect(lent.events.map((event) => fieldOf(event, EVT_SSID))).toEqual([1]);
    // A domain whose ASID is private (CD.ASET = 1) is not affected by the processors.
    kernel.tlbi(ABI_TLBI_VA, VA);
    expect(entries()).toBe(2);
    // A page that the process later maps at that address is another one.
    one.mmap(VA, 21);
    expect([reads(VA, 1), commands()]).toEqual([21, before]);
  });

  it('is stale without BTM, until a command repeats the TLBI that reached only processors', async () => {
    const { host, lent, one, reads } = await setup(PHYSICAL_ID_REGISTERS);
    one.mmap(VA, 11);
    expect(reads(VA, 1)).toBe(11);
    one.munmap(VA);
    one.tlbi(ABI_TLBI_VA, VA);
    expect(reads(VA, 1)).toBe(11);
    const missing = expect.stringContaining('missing: TLBI_NH_VA VMID=0x0 ASID=0x7') as string;
    expect(takeFindings(host).map(({ text }) => text)).toEqual([missing]);
    // The purpose of an MMU notifier (arm_smmu_mm_arch_invalidate_secondary_tlbs).
    sendOnCmdq(lent, tlbiNhVa(0, one.asid, { address: VA }), sync());
    expect(reads(VA, 1)).toBe(undefined);
  });

  it('loses it when the process ends: a CD that translates nothing, then its ASID is free', async () => {
    const { host, lent, one, two, reads } = await setup();
    one.mmap(VA, 11);
    two.mmap(VA, 12);
    expect([reads(VA, 1), reads(VA, 2)]).toEqual([11, 12]);
    one.release();
    // CFGI_CD, as executed on behalf of the VM's SMMU.
    lent.viommu.invalidateContextDescriptors(STREAM, 1);
    sendOnCmdq(lent, tlbiNhAsid(0, one.asid), sync());
    expect([reads(VA, 1), reads(VA, 2)]).toEqual([undefined, 12]);
    host.service(true);
    expect(lent.events).toEqual([]);
    two.tlbi(ABI_TLBI_ASID);
    expect(reads(VA, 2)).toBe(12);
  });

  it('keeps its ASID while ASIDs roll over: it is pinned, like a VMID', () => {
    // ASIDs are allocated by the same algorithm; arm64_mm_context_get pins one for SVA.
    let flushes = 0;
    const asids = new VmidAllocator({ bits: 8, cpus: 2, flush: () => flushes++ });
    const [bound, unbound] = [VmidAllocator.holder(), VmidAllocator.holder()];
    const asid = asids.pin(bound);
    const other = asids.load(0, unbound);
    const given: number[] = [];
    for (let i = 0; i < 1000; i++) given.push(asids.load(i % 2, VmidAllocator.holder()));
    expect(flushes).toBeGreaterThan(2);
    expect([asids.load(0, bound), given.includes(asid), given.includes(other)]).toEqual([
      asid,
      false,
      true,
    ]);
  });
});
