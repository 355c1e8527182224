// SPDX-License-Identifier: MIT
// Ways in which a VMM passes its guest's invalidations to the kernel (the thread of March
// 2023, seed 000): a call for each command, one call for all of them, or the queue
// itself; commands in the guest's format, or in a format that is not of any hardware.

import { TLBI_ADDR_HI, TLBI_ADDR_LO, TLBI_ASID } from '../assembly/layout/commands.ts';
import { CMDQ_ENTRY_SIZE } from '../assembly/layout/smmu-registers.ts';
import { offsetOfGpa } from '../devices/bus/index.ts';
import { fieldOf } from '../devices/plugin/index.ts';
import { sync, tlbiNhVa } from '../devices/tables/index.ts';
import { INVALIDATE_DATA_ARM_SMMUV3 } from '../host/iommufd/index.ts';
import { VmHost } from '../vmm/nested/index.ts';
import { ABI_EXIT_REQUEST, ramRegions } from '../vmm/vcpu/wasm/index.ts';
import { type Measurand, measure } from './measure.ts';

/** Nanoseconds for each TLBI. */
export interface InvalidationRow {
  /** TLBI_NH_VA commands of pages per handover; the time includes their completion. */
  readonly commands: number;
  readonly calls: number;
  readonly entries: number;
  /**
   * `entries` in a format of addresses, pages and ASIDs: the VMM decodes commands, the
   * kernel builds them again.
   */
  readonly generic: number;
  /** A ring at an IOVA, which the drain processes in place. */
  readonly queue: number;
  /** A ring in the VMM's memory, which the kernel reads. */
  readonly userQueue: number;
}

/** With a CMD_SYNC after them they divide a ring evenly. */
const COMMANDS = [1, 15, 255];
const PAGE_SIZE = 0x1000;
const IOVA = 0x1_0000_0000;
const RAM_GPA = 0x8000_0000;
const PAGES = 32;
const RING_GPA = RAM_GPA + 0x10_0000;
/** log2 of a ring's 512 entries. */
const LOG2SIZE = 9;
const INDEX_MASK = 2 ** (LOG2SIZE + 1) - 1;
/** TLBIs of a run. */
const EACH = 2000;
const ASID = 5;
const STREAM = 8;
/** Bytes of a generic entry: address, pages, ASID. */
const GENERIC_SIZE = 24;

function addressOf(command: Uint32Array): number {
  return fieldOf(command, TLBI_ADDR_HI) * 2 ** 32 + fieldOf(command, TLBI_ADDR_LO) * 2 ** 12;
}

/** The VMM's part: the contents of a guest's commands in a generic form. */
function toGeneric(commands: Uint8Array): DataView {
  const count = commands.length / CMDQ_ENTRY_SIZE;
  const generic = new DataView(new ArrayBuffer(count * GENERIC_SIZE));
  for (let i = 0; i < count; i++) {
    const from = i * CMDQ_ENTRY_SIZE;
    const command = new Uint32Array(commands.slice(from, from + CMDQ_ENTRY_SIZE).buffer);
    const to = i * GENERIC_SIZE;
    generic.setBigUint64(to, BigInt(addressOf(command)), true);
    generic.setBigUint64(to + 8, 1n, true);
    generic.setUint32(to + 16, fieldOf(command, TLBI_ASID), true);
  }
  return generic;
}

/** The kernel's part: a command for each page of each entry. */
function toNative(generic: DataView): Uint8Array {
  const commands: Uint32Array[] = [];
  for (let from = 0; from < generic.byteLength; from += GENERIC_SIZE) {
    const address = Number(generic.getBigUint64(from, true));
    const pages = Number(generic.getBigUint64(from + 8, true));
    const asid = generic.getUint32(from + 16, true);
    for (let page = 0; page < pages; page++)
      commands.push(tlbiNhVa(0, asid, { address: address + page * PAGE_SIZE }));
  }
  return bytesOf(commands);
}

function bytesOf(commands: readonly Uint32Array[]): Uint8Array {
  const bytes = new Uint8Array(commands.length * CMDQ_ENTRY_SIZE);
  commands.forEach((words, i) => {
    bytes.set(new Uint8Array(words.buffer), i * CMDQ_ENTRY_SIZE);
  });
  return bytes;
}

/** Creates a vIOMMU of a VM, and the ways of invalidating on it. */
async function createSubjects(commands: number): Promise<readonly Measurand[]> {
  const host = await VmHost.create();
  const wasm = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  const regions = ramRegions(wasm, RAM_GPA);
  const vm = host.createVm('vm', wasm, regions, { exitRequest: ABI_EXIT_REQUEST });
  const { fd, id } = host.createViommu(vm, [STREAM]);
  const tlbis = Array.from({ length: commands }, (_, i) =>
    tlbiNhVa(0, ASID, { address: IOVA + i * PAGE_SIZE }),
  );
  const entries = bytesOf(tlbis);
  const request = { dataType: INVALIDATE_DATA_ARM_SMMUV3, entryLength: CMDQ_ENTRY_SIZE };
  const single = tlbis.map((one) => ({ ...request, entries: bytesOf([one]), count: 1 }));
  const all = { ...request, entries, count: commands };

  // The commands between head and tail, repeated throughout the ring.
  const userRing = new Uint8Array(CMDQ_ENTRY_SIZE * 2 ** LOG2SIZE);
  const lap = [...tlbis, sync()];
  for (let i = 0; i < 2 ** LOG2SIZE; i++)
    userRing.set(bytesOf([lap[i % lap.length] ?? new Uint32Array(4)]), i * CMDQ_ENTRY_SIZE);
  new Uint8Array(wasm.buffer).set(userRing, offsetOfGpa(regions, RING_GPA, userRing.length));
  const queue = (base: bigint | Uint8Array) => {
    let head = 0;
    return () => {
      const tail = (head + lap.length) & INDEX_MASK;
      while (head !== tail) {
        const result = fd.hwptInvalidateQueue(id, { base, log2size: LOG2SIZE, head, tail });
        if (result.progress !== 'running') throw new Error(`the queue is ${result.progress}`);
        head = result.head;
      }
    };
  };
  const ways: Readonly<Record<keyof Omit<InvalidationRow, 'commands'>, () => void>> = {
    calls() {
      for (const one of single) fd.hwptInvalidate(id, one);
    },
    entries() {
      fd.hwptInvalidate(id, all);
    },
    generic() {
      fd.hwptInvalidate(id, { ...all, entries: toNative(toGeneric(entries)) });
    },
    queue: queue(BigInt(RING_GPA)),
    userQueue: queue(userRing),
  };
  const rounds = Math.ceil(EACH / commands);
  return Object.entries(ways).map(([name, once]) => ({
    name,
    steps: rounds * commands,
    run() {
      for (let i = 0; i < rounds; i++) once();
      return undefined;
    },
  }));
}

/** Measures every way, with one command and with several. */
export async function measureInvalidation(rounds: number): Promise<readonly InvalidationRow[]> {
  const rows: InvalidationRow[] = [];
  for (const commands of COMMANDS) {
    const times = await measure(await createSubjects(commands), rounds);
    const of = (name: string) => times.get(name) ?? Number.NaN;
    rows.push({
      commands,
      calls: of('calls'),
      entries: of('entries'),
      generic: of('generic'),
      queue: of('queue'),
      userQueue: of('userQueue'),
    });
  }
  return rows;
}
