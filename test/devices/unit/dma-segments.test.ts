// SPDX-License-Identifier: MIT
// A DMA access of several pages has the same result as its pages one by one, and is one
// access.

import { beforeAll, describe, expect, it } from 'vitest';
import { HOST_THREADS } from '../../../assembly/layout/host-memory.ts';
import {
  THREAD_CFG_HITS,
  THREAD_IN_FLIGHT,
  THREAD_TLB_HITS,
  THREAD_TLB_MISSES,
} from '../../../assembly/layout/thread-memory.ts';
import { type HotModules, loadHotModules, loadSeparateModules } from '../../../assembly/load.ts';
import { DeviceComplex, SYSTEM_CLOCK } from '../../../devices/bus/index.ts';
import type { DmaPort, DmaResult } from '../../../devices/plugin/index.ts';
import { PhysicalSmmu } from '../../../devices/smmuv3/index.ts';
import {
  cfgiAll,
  contextDescriptor,
  PageTable,
  S1_READ_ONLY,
  S1_READ_WRITE,
  stage1Ste,
  sync,
  tlbiNhAll,
  writeCd,
  writeCommand,
  writeSte,
} from '../../../devices/tables/index.ts';
import { Random } from '../../../devices/testing/index.ts';
import { createHostMemory, PhysicalRam, SmmuEndpoint, Unit } from '../../../devices/unit/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { IOVA, lendVm, RAM_GPA_BASE, STREAM } from '../../support/lent-vm.ts';
import { tableMemory } from '../../support/table-memory.ts';

const PAGE = 0x1000;
const SMMU = 0x10000000;
const RAM_SIZE = 0x800000;
/**
 * Memory of the VMM outside RAM: two pages that are adjacent only by PA, a doorbell, then
 * nothing.
 */
const OWN = 0x90000000;
const DOORBELL = OWN + 2 * PAGE;
const BLOCK = IOVA + 0x4000_0000;
const COMMANDS = 0x1000;
const CMDQ_PROD = SMMU + 0x098;
const CMDQ_CONS = SMMU + 0x09c;

let modules: HotModules;
let separate: HotModules;
beforeAll(async () => {
  [modules, separate] = await Promise.all([loadHotModules(), loadSeparateModules()]);
});

/** An SMMU with a stream in the memory map of a custom VMM. */
function computer(hot: HotModules = modules) {
  const hostMemory = createHostMemory({ ramSize: RAM_SIZE });
  const unit = new Unit({ modules: hot, hostMemory, thread: 0 });
  const ram = new PhysicalRam(hostMemory);
  const own = [new Uint8Array(PAGE), new Uint8Array(PAGE)];
  const msis: number[] = [];
  const asked: number[] = [];
  const looks: (() => void)[] = [];
  const ownBytes = (pa: number, length: number) => {
    const at = (pa - OWN) % PAGE;
    return at + length <= PAGE
      ? own[Math.floor((pa - OWN) / PAGE)]?.subarray(at, at + length)
      : undefined;
  };
  const endpoint = new SmmuEndpoint({
    unit,
    memory: {
      bytes(pa, length) {
        for (const look of looks) look();
        asked.push(length);
        return pa >= OWN ? ownBytes(pa, length) : ram.bytes(pa, length);
      },
      write32(pa, data) {
        if (pa !== DOORBELL) return false;
        msis.push(data);
        return true;
      },
    },
  });
  const { bus } = new DeviceComplex({
    devices: [{ device: new PhysicalSmmu({ unit, smmuIndex: 0 }), addresses: [SMMU], firstIrq: 0 }],
    memory: ram,
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    directMaps: undefined,
    clock: SYSTEM_CLOCK,
  });
  const tables = tableMemory(ram, 2 * PAGE);
  const table = new PageTable(tables, { stage: 1 });
  const cd = tables.allocate(64, 64);
  const streams = tables.allocate(1024, 1024);
  writeCd(tables, cd, 0, contextDescriptor({ asid: 1, lower: { ttb: table.root, inputBits: 48 } }));
  writeSte(tables, streams, STREAM, stage1Ste({ contextPtr: cd }));
  let prod = 0;
  const command = (words: Uint32Array) => {
    writeCommand(tables, COMMANDS, prod % 16, words);
    prod = (prod + 1) % 32;
    bus.write(CMDQ_PROD, 4, prod);
  };
  bus.write(SMMU + 0x080, 8, streams);
  bus.write(SMMU + 0x088, 4, 4);
  bus.write(SMMU + 0x090, 8, COMMANDS | 4);
  bus.write(SMMU + 0x020, 4, 0x8);
  command(cfgiAll());
  command(sync());
  bus.write(SMMU + 0x020, 4, 0x9);
  const isSynced = () => bus.read(CMDQ_CONS, 4) === prod;
  const count = (counter: number) => unit.threadBlock.count(counter);
  const port = endpoint.dmaPort(STREAM);
  return { bus, unit, port, ram, own, msis, asked, looks, table, command, isSynced, count };
}

const PATTERN = Uint8Array.from({ length: 0x30000 }, (_, i) => i * 7 + (i >> 8));
const inOrder = (length: number) => PATTERN.slice(0, length);
/** `toEqual` compares each byte separately, which is slow. */
const same = (one: Uint8Array | undefined, other: Uint8Array) =>
  one !== undefined && Buffer.compare(one, other) === 0;

describe.each([
  ['one module', () => modules],
  ['separate modules', () => separate],
])('an access of several pages, by a unit of %s', (_, hot) => {
  it('translates each page once, the configuration once, and copies neighbours in one piece', () => {
    const { port, ram, table, asked, count } = computer(hot());
    table.map(IOVA, 0x200000, 0x20000, S1_READ_WRITE);
    const bytes = inOrder(0x10000);
    ram.bytes(0x200000, bytes.length)?.set(bytes);
    const target = new Uint8Array(bytes.length);
    expect(port.read(IOVA, target)).toEqual({ ok: true, done: bytes.length });
    expect(same(target, bytes)).toBe(true);
    expect([count(THREAD_TLB_MISSES), count(THREAD_TLB_HITS), asked]).toEqual([16, 0, [0x10000]]);
    const configs = count(THREAD_CFG_HITS);
    port.read(IOVA, target);
    expect([count(THREAD_TLB_MISSES), count(THREAD_TLB_HITS)]).toEqual([16, 16]);
    expect(count(THREAD_CFG_HITS)).toBe(configs + 1);
  });

  it('translates a block once, and a longer access in pieces of 64 KiB', () => {
    const { port, ram, table, asked, count } = computer(hot());
    table.map(BLOCK, 0x400000, 0x200000, S1_READ_WRITE);
    const bytes = inOrder(0x30000);
    expect(port.write(BLOCK + 0x123, bytes)).toEqual({ ok: true, done: bytes.length });
    expect(same(ram.bytes(0x400123, bytes.length), bytes)).toBe(true);
    expect([count(THREAD_TLB_MISSES), count(THREAD_TLB_HITS)]).toEqual([1, 2]);
    expect(asked).toEqual([0x10000, 0x10000, 0x10000]);
  });

  it('of scattered pages that begins within one has a segment for each', () => {
    const { port, ram, table, asked } = computer(hot());
    const placeOf = (page: number) => 0x200000 + ((page * 5) % 32) * PAGE;
    for (let page = 0; page < 32; page++)
      table.map(IOVA + page * PAGE, placeOf(page), PAGE, S1_READ_WRITE);
    const bytes = inOrder(0x18000);
    expect(port.write(IOVA + 0x800, bytes)).toEqual({ ok: true, done: bytes.length });
    for (let page = 1; page < 24; page++) {
      const part = bytes.subarray(page * PAGE - 0x800, page * PAGE + 0x800);
      expect([page, same(ram.bytes(placeOf(page), PAGE), part)]).toEqual([page, true]);
    }
    expect(asked.length).toBe(26);
  });

  it('continues in the next piece of memory, and ends if there is none', () => {
    const { port, ram, own, table } = computer(hot());
    table.map(IOVA, 0x200000, PAGE, S1_READ_WRITE);
    table.map(IOVA + PAGE, OWN, 4 * PAGE, S1_READ_WRITE);
    const bytes = inOrder(3 * PAGE);
    expect(port.write(IOVA, bytes)).toEqual({ ok: true, done: 3 * PAGE });
    const places = [ram.bytes(0x200000, PAGE), ...own];
    const arrived = places.map((place, page) =>
      same(place, bytes.subarray(page * PAGE, (page + 1) * PAGE)),
    );
    expect(arrived).toEqual([true, true, true]);
    expect(port.read(IOVA, new Uint8Array(4 * PAGE))).toEqual({ ok: false, done: 3 * PAGE });
  });

  it('whose last four bytes are a doorbell sends an MSI', () => {
    const { port, msis, table } = computer(hot());
    table.map(IOVA, OWN, 3 * PAGE, S1_READ_WRITE);
    const bytes = inOrder(2 * PAGE + 4);
    bytes.set([0x21, 0, 0, 0], 2 * PAGE);
    expect(port.write(IOVA, bytes)).toEqual({ ok: true, done: bytes.length });
    expect(port.write(IOVA, inOrder(2 * PAGE + 8))).toEqual({ ok: false, done: 2 * PAGE });
    expect(msis).toEqual([0x21]);
  });

  it('is in flight until its last byte: a CMD_SYNC after an invalidation waits for all of it', () => {
    const { port, table, looks, command, isSynced, unit } = computer(hot());
    table.map(IOVA, OWN, 2 * PAGE, S1_READ_WRITE);
    const inFlight = new BigInt64Array(unit.hostMemory.buffer, HOST_THREADS + THREAD_IN_FLIGHT, 1);
    const seen: boolean[] = [];
    looks.push(() => {
      if (seen.length === 0) for (const words of [tlbiNhAll(0), sync()]) command(words);
      seen.push(isSynced() || inFlight[0] === 0n);
    });
    expect(port.read(IOVA, new Uint8Array(2 * PAGE)).ok).toBe(true);
    // Called once for both pages, which are not contiguous memory, and once for each of
    // them.
    expect(seen).toEqual([false, false, false]);
    expect([isSynced(), inFlight[0]]).toEqual([true, 0n]);
  });

  it('bypasses a disabled SMMU, regardless of earlier translations', () => {
    const { bus, port, ram, table, count } = computer(hot());
    table.map(0x300000, 0x200000, 2 * PAGE, S1_READ_WRITE);
    const target = new Uint8Array(2 * PAGE);
    const [mapped, itself] = [inOrder(2 * PAGE), inOrder(2 * PAGE).reverse()];
    ram.bytes(0x200000, 2 * PAGE)?.set(mapped);
    ram.bytes(0x300000, 2 * PAGE)?.set(itself);
    port.read(0x300000, target);
    expect(same(target, mapped)).toBe(true);
    bus.write(SMMU + 0x020, 4, 0x8);
    const hits = count(THREAD_TLB_HITS);
    expect(port.read(0x300000, target)).toEqual({ ok: true, done: 2 * PAGE });
    expect(same(target, itself)).toBe(true);
    expect(count(THREAD_TLB_HITS)).toBe(hits);
  });
});

/** The pages of an access one by one, up to the first one that fails. */
function pageByPage(
  port: DmaPort,
  how: 'read' | 'write',
  iova: number,
  bytes: Uint8Array,
): DmaResult {
  for (let done = 0; done < bytes.length; ) {
    const piece = bytes.subarray(done, done + PAGE - ((iova + done) % PAGE));
    const result = port[how](iova + done, piece);
    done += result.done;
    if (!result.ok) return { ...result, done };
  }
  return { ok: true, done: bytes.length };
}

const PAGES = 24;
const DATA = RAM_GPA_BASE + 0x180000;

/**
 * A VM with a stream whose pages are anywhere in 32 pages of its RAM, may be read-only,
 * or are missing.
 */
async function randomVm(seed: number, cd: { readonly stall?: boolean; readonly abort?: boolean }) {
  const random = new Random(seed);
  const host = await VmHost.create({ modules });
  const vm = lendVm(host);
  const table = new PageTable(vm.memory, { stage: 1 });
  for (let page = 0; page < PAGES; page++) {
    if (random.below(10) === 0) continue;
    // Adjacent more often than not.
    const place = random.below(4) === 0 ? random.below(32) : page;
    const attributes = random.below(12) === 0 ? S1_READ_ONLY : S1_READ_WRITE;
    table.map(IOVA + page * PAGE, DATA + place * PAGE, PAGE, attributes);
  }
  const cds = vm.memory.allocate(64, 64);
  const asid = { asid: 5, outputBits: 48, lower: { ttb: table.root, inputBits: 48 } };
  writeCd(vm.memory, cds, 0, contextDescriptor({ ...asid, ...cd }));
  vm.viommu.attachStream(STREAM, stage1Ste({ contextPtr: cds }));
  vm.bytes.set(inOrder(32 * PAGE), DATA - RAM_GPA_BASE);
  return { host, vm, port: host.dmaPort(vm.viommu, STREAM) };
}

it.each([
  ['whose faults abort', {}],
  ['whose faults read as zero', { abort: false }],
  ['whose faults stall', { stall: true }],
])('comes to what its pages come to one by one, for a stream %s', async (_, cd) => {
  for (let seed = 1; seed <= 2; seed++) {
    const [one, other] = [await randomVm(seed, cd), await randomVm(seed, cd)];
    const random = new Random(seed);
    for (let i = 0; i < 24; i++) {
      const iova = IOVA + random.below((PAGES - 4) * PAGE);
      const bytes = inOrder(1 + random.below(20 * PAGE));
      const copy = bytes.slice();
      const how = random.below(2) === 0 ? 'read' : 'write';
      const result = one.port[how](iova, bytes);
      expect(result).toEqual(pageByPage(other.port, how, iova, copy));
      expect(same(bytes, copy)).toBe(true);
      if (result.stalled && random.below(3) === 0)
        for (const { port } of [one, other]) port.abandon?.();
    }
    expect(same(one.vm.bytes, other.vm.bytes)).toBe(true);
    for (const { host } of [one, other]) host.service(true);
    expect(one.vm.events.length).toBeGreaterThan(0);
    expect(one.vm.events).toEqual(other.vm.events);
  }
});
