// SPDX-License-Identifier: MIT
// A VM of a real host without a guest: a test drives its backends like the devices would.

import { CD_SIZE } from '../../assembly/layout/cd.ts';
import { VCMDQ_CONFIG, VCMDQ_PROD } from '../../assembly/layout/cmdqv-registers.ts';
import { guestMemoryOf, type MsiController } from '../../devices/bus/index.ts';
import {
  contextDescriptor,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  storeStructure,
  type TableMemory,
  writeCommand,
} from '../../devices/tables/index.ts';
import type { Vm } from '../../host/kernel/index.ts';
import type { CreateViommuOptions, LentVintf, NestedSmmu, VmHost } from '../../vmm/nested/index.ts';
import { ABI_EXIT_REQUEST, ramRegions } from '../../vmm/vcpu/wasm/index.ts';
import { tableMemory } from './table-memory.ts';

export const RAM_GPA_BASE = 0x80000000;
export const RING_GPA = RAM_GPA_BASE + 0x180000;
const CMDQ_GPA = RAM_GPA_BASE + 0x181000;
export const DATA_GPA = RAM_GPA_BASE + 0x140000;
export const IOVA = 0x1_0000_0000;
export const ASID = 5;
/** StreamID in the guest's numbering. */
export const STREAM = 8;
export const RING_LOG2SIZE = 4;
const TABLES_GPA = RAM_GPA_BASE + 0x110000;
const PAGES = 32;

export interface LentVm {
  readonly vm: Vm;
  readonly viommu: NestedSmmu;
  readonly vintf: LentVintf;
  readonly memory: TableMemory;
  readonly bytes: Uint8Array;
  /** Events for its vSMMU. */
  readonly events: Uint32Array[];
  /** LVCMDQs whose errors were published. */
  readonly errors: number[];
}

export type LendOptions = CreateViommuOptions & {
  readonly msis?: MsiController;
  /** Default: one, STREAM. */
  readonly streams?: readonly number[];
};

/** A VM with 2 MiB, one stream and a VINTF. */
export function lendVm(host: VmHost, name = 'vm', options: LendOptions = {}): LentVm {
  const [lent] = lendVmBehind(host, [0], name, options);
  if (!lent) throw new Error('one SMMU, one vIOMMU');
  return lent;
}

/** 2 MiB of RAM for a VM. */
export function guestRam() {
  const wasm = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const regions = ramRegions(wasm, RAM_GPA_BASE);
  const memory = tableMemory(guestMemoryOf(wasm, regions), TABLES_GPA);
  return { wasm, regions, memory };
}

/**
 * A VM with 2 MiB and, for each of these physical SMMUs, a vIOMMU with one stream and a
 * VINTF.
 */
export function lendVmBehind(
  host: VmHost,
  smmus: readonly number[],
  name = 'vm',
  { msis, streams = [STREAM], ...options }: LendOptions = {},
): LentVm[] {
  const { wasm, regions, memory } = guestRam();
  const vm = host.createVm(name, wasm, regions, { msis, exitRequest: ABI_EXIT_REQUEST });
  return smmus.map((smmu) => {
    const viommu = host.createViommu(vm, streams, { cmdqv: true, smmu, ...options });
    const vintf = host.createVintf(viommu);
    const events: Uint32Array[] = [];
    const errors: number[] = [];
    viommu.onEvent((record) => events.push(record));
    vintf.onError((lvcmdq) => errors.push(lvcmdq));
    return { vm, viommu, vintf, memory, bytes: new Uint8Array(wasm.buffer), events, errors };
  });
}

/** Attaches the VM's stream with one page at IOVA. */
export function attachStage1(
  { viommu, memory }: Pick<LentVm, 'viommu' | 'memory'>,
  { stall = false, eats = 0 } = {},
): PageTable {
  const table = new PageTable(memory, { stage: 1 });
  table.map(IOVA, DATA_GPA, 0x1000, S1_READ_WRITE);
  const cd = memory.allocate(CD_SIZE, CD_SIZE);
  storeStructure(
    memory,
    cd,
    contextDescriptor({
      asid: ASID,
      outputBits: 48,
      lower: { ttb: table.root, inputBits: 48 },
      stall,
    }),
  );
  viommu.attachStream(STREAM, stage1Ste({ contextPtr: cd, eats }));
  return table;
}

/** Enables the VINTF and its first VCMDQ. */
export function startVcmdq({ vintf }: LentVm, log2size = RING_LOG2SIZE): void {
  vintf.setEnabled();
  if (!vintf.allocateQueue(0, RING_GPA, log2size)) throw new Error('no queue');
  vintf.writePage0(0, VCMDQ_CONFIG, 1);
}

/**
 * Executes commands on the VM's trapped command queue, which has no CMDQ_PROD register
 * here.
 */
export function sendOnCmdq(
  { viommu, memory }: Pick<LentVm, 'viommu' | 'memory'>,
  ...commands: readonly Uint32Array[]
): number {
  const queue = viommu.commandQueue;
  viommu.setCommandRing(CMDQ_GPA, RING_LOG2SIZE);
  queue.allocated = true;
  for (const command of commands) {
    writeCommand(memory, CMDQ_GPA, queue.prod % 2 ** RING_LOG2SIZE, command);
    queue.prod = (queue.prod + 1) % 2 ** (RING_LOG2SIZE + 1);
  }
  return viommu.serveCommandQueue();
}

/** Appends commands to the first VCMDQ and rings. */
export function sendOnVcmdq(
  { vintf, memory }: Pick<LentVm, 'vintf' | 'memory'>,
  ...commands: readonly Uint32Array[]
): void {
  let prod = vintf.readPage0(0, VCMDQ_PROD);
  for (const command of commands) {
    writeCommand(memory, RING_GPA, prod % 2 ** RING_LOG2SIZE, command);
    prod = (prod + 1) % 2 ** (RING_LOG2SIZE + 1);
  }
  vintf.writePage0(0, VCMDQ_PROD, prod);
}
