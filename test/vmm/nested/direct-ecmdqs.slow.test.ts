// SPDX-License-Identifier: MIT
// ECMDQs whose PROD and CONS are mapped into their guest: the drain follows EN and ERRACK
// and runs the queue without an access to the device. Bits are literals from IHI 0070
// section 3.5.6.

import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import {
  attachDevices,
  BackgroundLoops,
  guestMemoryOf,
  SYSTEM_CLOCK,
} from '../../../devices/bus/index.ts';
import type { MmioAccess } from '../../../devices/plugin/index.ts';
import { ENHANCED_GUEST_ID_REGISTERS, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  atcInv,
  cfgiAll,
  cfgiSte,
  prefetchConfig,
  sync,
  tlbiNhAll,
  tlbiNhAsid,
  tlbiNhVa,
  tlbiNsnhAll,
  tlbiS2Ipa,
  tlbiS12Vmall,
  writeCommand,
} from '../../../devices/tables/index.ts';
import { Random } from '../../../devices/testing/index.ts';
import { Unit } from '../../../devices/unit/index.ts';
import type { DirectMaps } from '../../../vmm/machine/direct-maps.ts';
import { type QueueErrorDecision, VmHost } from '../../../vmm/nested/index.ts';
import { footprintOf } from '../../support/footprint-of.ts';
import { idleDirectMaps } from '../../support/idle-direct-maps.ts';
import {
  ASID,
  attachStage1,
  IOVA,
  type LentVm,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
} from '../../support/lent-vm.ts';

const SMMU_GPA = 0x09050000;
const GERROR_LINE = 1;
const EN = 0x80000000;
const ERR = 0x00800000;
/** Registers of queue `q` of four. */
const at = (q: number) => 0x20000 + 0x4000 * q;
const RING = RAM_GPA_BASE + 0x170000;
const ringOf = (q: number) => RING + 0x1000 * q;
/** Rings of 32 commands. */
const LOG2SIZE = 5;
const SIZE = 32;
const ILLEGAL = new Uint32Array([0xff, 0, 0, 0]);

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

/**
 * A guest's view of its SMMU with ECMDQs. `rings` false is a drain on its own thread:
 * stores alone have no effect.
 */
class Guest {
  readonly lent: LentVm;
  readonly smmu: VirtualSmmu;
  readonly background = new BackgroundLoops();
  readonly maps: DirectMaps;
  readonly interrupts: number[] = [];
  accesses = 0;
  rings = true;
  readonly #words: Int32Array;
  readonly #prods = [0, 0, 0, 0];

  constructor(lent: LentVm) {
    this.lent = lent;
    const { vm, viommu } = lent;
    this.smmu = new VirtualSmmu({ backend: viommu, idRegisters: ENHANCED_GUEST_ID_REGISTERS });
    this.maps = idleDirectMaps(vm.memory);
    this.#words = new Int32Array(vm.memory.buffer);
    attachDevices([{ device: this.smmu, addresses: [SMMU_GPA], firstIrq: 0 }], {
      memory: guestMemoryOf(vm.memory, vm.regions),
      interrupts: {
        line: (index) => ({
          pulse: () => this.interrupts.push(index),
          setLevel: () => undefined,
        }),
      },
      directMaps: this.maps,
      background: this.background,
      clock: SYSTEM_CLOCK,
    });
    this.write(0x50, 1);
    // SMMUEN: without it, no StreamID of an ATC_INV is wrong.
    this.write(0x20, 1);
  }

  /** Entry of the map table that contains an offset of the SMMU's registers. */
  #map(offset: number): { readonly memory: number; readonly doorbell: number } | undefined {
    for (let i = 0; i < 16; i++) {
      const [gpa = 0, length = 0, memory = 0, , doorbell = 0] = this.#words.subarray(
        (0x400 + 32 * i) >> 2,
      );
      const inside = SMMU_GPA + offset - gpa;
      if (inside >= 0 && inside < length) return { memory: memory + inside, doorbell };
    }
    return undefined;
  }

  isDirect(q: number): boolean {
    return this.#map(at(q) + 8) !== undefined;
  }

  write(offset: number, lo: number, hi = 0): void {
    const map = this.#map(offset);
    if (map) {
      Atomics.store(this.#words, map.memory >> 2, lo | 0);
      if (this.rings) this.lent.vm.unit.drain.doorbell(map.doorbell, offset % 8);
      return;
    }
    this.accesses++;
    this.smmu.write({ region: 0, offset, size: hi === 0 ? 4 : 8, lo: lo >>> 0, hi, vcpu: 0 });
  }

  read(offset: number): number {
    const map = this.#map(offset);
    if (map) return Atomics.load(this.#words, map.memory >> 2) >>> 0;
    this.accesses++;
    const access: MmioAccess = { region: 0, offset, size: 4, lo: 0, hi: 0, vcpu: 0 };
    this.smmu.read(access);
    return access.lo >>> 0;
  }

  prod(q: number): number {
    return this.read(at(q) + 8);
  }
  cons(q: number): number {
    return this.read(at(q) + 12);
  }
  setProd(q: number, value: number): void {
    this.write(at(q) + 8, value);
  }

  enable(q: number): void {
    this.write(at(q), ringOf(q) | LOG2SIZE);
    this.write(at(q) + 4, 0);
    this.setProd(q, EN);
    this.#prods[q] = 0;
    this.accesses = 0;
  }

  /**
   * Puts commands on a ring and stores PROD, keeping EN and ERRACK. Returns the index
   * after them.
   */
  send(q: number, ...commands: readonly Uint32Array[]): number {
    let prod = this.#prods[q] ?? 0;
    for (const command of commands) {
      writeCommand(this.lent.memory, ringOf(q), prod % SIZE, command);
      prod = (prod + 1) % (2 * SIZE);
    }
    this.#prods[q] = prod;
    this.setProd(q, ((this.prod(q) & (EN | ERR)) | prod) >>> 0);
    return prod;
  }

  block(q: number) {
    const block = this.lent.viommu.enhancedQueues[q]?.block;
    if (!block) throw new Error(`no ECMDQ ${q}`);
    return block;
  }

  /** The work of the machine and its host at a safe point. */
  safePoint(host: VmHost): void {
    this.background.poll();
    host.service(true);
  }
}

let decision: QueueErrorDecision;
let host: VmHost;
let guest: Guest;
beforeEach(async () => {
  decision = 'report';
  host = await VmHost.create({ modules, onQueueError: () => decision });
  guest = new Guest(lendVm(host, 'vm'));
});

const entries = ({ viommu, vintf }: LentVm) => footprintOf(viommu, vintf)['IOTLB entries'].count;
const touch = (lent: LentVm) =>
  expect(host.dmaPort(lent.viommu, STREAM).read(IOVA, new Uint8Array(1)).ok).toBe(true);

describe('an ECMDQ that its guest has', () => {
  it('has PROD and CONS mapped when it is enabled, and runs without an access to the device', () => {
    attachStage1(guest.lent);
    touch(guest.lent);
    expect(guest.isDirect(2)).toBe(false);
    guest.enable(2);
    expect([guest.isDirect(2), guest.isDirect(1), guest.cons(2)]).toEqual([true, false, EN]);
    const prod = guest.send(
      2,
      tlbiNhVa(77, ASID, { address: IOVA }),
      atcInv({ streamId: STREAM, address: 0, size: 52 }),
      sync(),
    );
    expect([guest.cons(2), entries(guest.lent), guest.accesses]).toEqual([EN + prod, 0, 0]);
    expect(guest.block(2).counts).toMatchObject({ commands: 3, syncs: 1, errors: 0, rewrites: 2 });
    guest.write(at(2), 0x1234_0000);
    expect([guest.accesses, guest.read(at(2))]).toEqual([1, ringOf(2) + LOG2SIZE]);
  });

  it('executes every command of a guest with its own machine’s VMID and streams, and refuses those of stage 2', () => {
    const other = lendVm(host, 'other');
    const neighbour = new Guest(other);
    for (const lent of [guest.lent, other]) attachStage1(lent);
    for (let q = 0; q < 4; q++) {
      guest.enable(q);
      neighbour.enable(q);
    }
    for (let q = 0; q < 4; q++) {
      for (const command of [
        tlbiNhAsid(other.viommu.vmid, ASID),
        tlbiNhAll(other.viommu.vmid),
        tlbiNsnhAll(),
      ]) {
        for (const lent of [guest.lent, other]) touch(lent);
        const prod = guest.send(q, command, sync());
        expect([guest.cons(q), entries(guest.lent), entries(other)]).toEqual([EN + prod, 0, 1]);
      }
      for (const command of [
        tlbiS12Vmall(other.viommu.vmid),
        tlbiS2Ipa(other.viommu.vmid, { address: 0 }),
      ]) {
        guest.send(q, command);
        guest.safePoint(host);
        expect(guest.cons(q) & 0x0700_0000).toBe(0x0100_0000);
        // The command is replaced by a CMD_SYNC, and the error is acknowledged.
        writeCommand(guest.lent.memory, ringOf(q), guest.cons(q) % SIZE, sync());
        guest.setProd(q, (guest.prod(q) ^ ERR) >>> 0);
      }
      expect(entries(other)).toBe(1);
      expect(neighbour.cons(q)).toBe(EN);
    }
    // The guest does not have another machine's StreamID.
    guest.send(0, atcInv({ streamId: STREAM + 1, address: 0, size: 52 }));
    guest.safePoint(host);
    expect(guest.cons(0) & 0x0700_0000).toBe(0x0100_0000);
  });

  it('waits for its host at a configuration command, and requests the exit', () => {
    guest.enable(0);
    const exitRequest = new Int32Array(guest.lent.vm.memory.buffer, 0x618, 1);
    for (const command of [cfgiSte(STREAM), cfgiAll(), prefetchConfig(STREAM)]) {
      const before = guest.cons(0);
      const prod = guest.send(0, sync(), command, sync());
      expect([guest.cons(0), exitRequest[0]]).toEqual([before + 1, 1]);
      exitRequest[0] = 0;
      guest.safePoint(host);
      expect(guest.cons(0)).toBe(EN + prod);
    }
  });

  it('shows an error as ERR unequal to ERRACK with its reason, raises GERROR.CMDQP_ERR, and continues when ERRACK follows', () => {
    guest.enable(0);
    guest.enable(1);
    const prod = guest.send(0, sync(), ILLEGAL, sync());
    // The policy has not decided yet: nothing is visible.
    expect([guest.cons(0), guest.interrupts]).toEqual([EN + 1, []]);
    guest.safePoint(host);
    expect([guest.cons(0), guest.read(0x60), guest.interrupts]).toEqual([
      EN + ERR + 0x0100_0001,
      0x200,
      [GERROR_LINE],
    ]);
    // A doorbell does not get past it, and the other queue continues.
    guest.setProd(0, (EN | prod) >>> 0);
    expect([guest.cons(0), guest.send(1, sync()), guest.cons(1)]).toEqual([
      EN + ERR + 0x0100_0001,
      1,
      EN + 1,
    ]);
    writeCommand(guest.lent.memory, ringOf(0), 1, sync());
    guest.setProd(0, (EN | ERR | prod) >>> 0);
    expect(guest.cons(0) & ~0x0700_0000).toBe((EN + ERR + prod) | 0);
    // The next one toggles ERR back.
    guest.write(0x64, 0x200);
    guest.send(0, ILLEGAL);
    guest.safePoint(host);
    expect([guest.cons(0), guest.read(0x60)]).toEqual([EN + 0x0100_0000 + prod, 0]);
  });

  it.each([
    ['skip', 0],
    ['report', 1],
  ] as const)('asks the policy before the guest learns of an error: %s', (answer, errors) => {
    decision = answer;
    guest.enable(0);
    const prod = guest.send(0, ILLEGAL, sync());
    guest.safePoint(host);
    expect([guest.cons(0) % SIZE, guest.interrupts.length]).toEqual([errors ? 0 : prod, errors]);
  });

  it('uses only the index and the wrap bit of CONS when it is enabled again', () => {
    guest.enable(3);
    guest.setProd(3, 0);
    const cons = at(3) + 12;
    // Index 3 of the second lap of 32, and all bits between the wrap bit and ERR.
    guest.write(cons, 0x000f_ffc0 | 0x23);
    guest.setProd(3, (EN | 0x23) >>> 0);
    expect([guest.cons(3), guest.block(3).cons]).toEqual([EN + 0x23, 0x23]);
    writeCommand(guest.lent.memory, ringOf(3), 3, sync());
    guest.setProd(3, (EN | 0x24) >>> 0);
    expect(guest.cons(3)).toBe(EN + 0x24);
  });

  it('follows EN in the mapped registers: off, ENACK is 0 and nothing runs; on again, it resumes at CONS', () => {
    guest.enable(3);
    const prod = guest.send(3, sync(), sync());
    guest.setProd(3, prod + 1);
    expect([guest.cons(3), guest.block(3).enabled]).toEqual([prod, false]);
    // CONS then belongs to software; ENACK does not.
    guest.write(at(3) + 12, EN + 1);
    expect(guest.cons(3)).toBe(1);
    writeCommand(guest.lent.memory, ringOf(3), 2, sync());
    guest.setProd(3, EN + prod + 1);
    expect([guest.cons(3), guest.block(3).counts.commands, guest.accesses]).toEqual([
      EN + prod + 1,
      4,
      0,
    ]);
  });

  it('gets another ring while it is disabled: the registers are unmapped, and mapped again with EN', () => {
    guest.enable(0);
    guest.send(0, sync(), sync());
    guest.setProd(0, 0);
    guest.write(at(0), ringOf(1) | 3);
    expect([guest.isDirect(0), guest.prod(0), guest.cons(0), guest.block(0).allocated]).toEqual([
      false,
      0,
      2,
      false,
    ]);
    guest.write(at(0) + 12, 0);
    writeCommand(guest.lent.memory, ringOf(1), 0, sync());
    guest.setProd(0, EN + 1);
    expect([guest.isDirect(0), guest.cons(0), guest.block(0).log2size]).toEqual([true, EN + 1, 3]);
  });

  it('survives any stores of a guest to the two registers, and restores CONS', () => {
    const other = lendVm(host, 'other');
    attachStage1(other);
    touch(other);
    const before = footprintOf(other.viommu, other.vintf);
    guest.enable(0);
    for (let slot = 0; slot < SIZE; slot++)
      writeCommand(guest.lent.memory, ringOf(0), slot, sync());
    for (const garbage of [
      0xffffffff,
      0x7fffffff,
      0x12345678,
      0x80800000,
      0x80000000 + SIZE + 7,
      0,
      0x00800000,
      EN,
    ]) {
      guest.write(at(0) + 12, garbage);
      guest.setProd(0, garbage);
      guest.safePoint(host);
      expect(guest.block(0).cons).toBeLessThan(2 * SIZE);
      if (!guest.block(0).enabled) expect(guest.cons(0) & EN).toBe(0);
    }
    guest.enable(0);
    guest.write(at(0) + 12, 0xdeadbeef);
    const prod = guest.cons(0) % (2 * SIZE);
    guest.setProd(0, EN + ((prod + 1) % (2 * SIZE)));
    expect(guest.cons(0) & 0xff).toBe((prod + 1) % (2 * SIZE));
    expect(footprintOf(other.viommu, other.vintf)).toEqual(before);
  });

  it('does 20,000 hostile stores to its registers and rings; its neighbour loses nothing, and each queue can be used again', () => {
    const other = lendVm(host, 'other');
    attachStage1(other);
    attachStage1(guest.lent);
    touch(other);
    const before = footprintOf(other.viommu, other.vintf);
    const random = new Random(0xec3d);
    const opcodes = [
      0x03, 0x04, 0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x28, 0x2a, 0x30, 0x40, 0x44, 0x45, 0x46,
      0x46, 0xff,
    ];
    const words = () =>
      random.pick([random.word(), random.word() & 0xfffff, 0, 0x80000000, 0x80800000, 0xffffffff]);
    let direct = 0;
    for (let n = 0; n < 20_000; n++) {
      const q = random.below(4);
      const command = new Uint32Array([
        random.pick(opcodes) | (random.below(4) << 12),
        words(),
        words(),
        words(),
      ]);
      writeCommand(guest.lent.memory, ringOf(q), random.below(SIZE), command);
      const register = random.pick([0, 4, 8, 8, 8, 8, 12, 12]);
      const base = random.below(4) === 0 ? words() : ringOf(random.below(4)) + random.below(8);
      if (register === 8 && random.below(3) > 0)
        guest.setProd(q, (guest.prod(q) + random.below(2 * SIZE)) >>> 0);
      else guest.write(at(q) + register, register === 0 ? base : words());
      if (guest.isDirect(q)) direct++;
      if (random.below(8) === 0) guest.safePoint(host);
    }
    expect(direct).toBeGreaterThan(1000);
    expect(footprintOf(other.viommu, other.vintf)).toEqual(before);
    for (const counter of [
      'illegalOpcode',
      'illegalStream',
      'prodOutOfRange',
      'errorsPublished',
      'repairs',
    ] as const)
      expect(host.statistics.smmu[counter], counter).toBeGreaterThan(0);
    // A CFGI has read the STE, which does not exist.
    attachStage1(guest.lent);
    for (let q = 0; q < 4; q++) {
      guest.setProd(q, 0);
      guest.write(at(q) + 12, 0);
      guest.enable(q);
      touch(guest.lent);
      const prod = guest.send(q, tlbiNsnhAll(), sync());
      expect([guest.isDirect(q), guest.cons(q), entries(guest.lent)]).toEqual([true, EN + prod, 0]);
    }
  });

  it('has nothing to do with doorbells of others: a wrong id or slot has no effect', () => {
    const neighbour = new Guest(lendVm(host, 'other'));
    neighbour.enable(0);
    guest.enable(0);
    guest.rings = false;
    guest.send(0, sync());
    for (const id of [0, 0x40, 0x41, 0x50040, 0xffff0040, 0x10041, 0x10140])
      neighbour.lent.vm.unit.drain.doorbell(id, 0);
    expect(guest.cons(0)).toBe(EN);
    guest.lent.vm.unit.drain.doorbell(0x10040, 0);
    expect(guest.cons(0)).toBe(EN + 1);
  });

  it('is served by a drain on its own thread, including handshakes', () => {
    guest.rings = false;
    for (const q of [0, 3]) guest.enable(q);
    const { smmuBlock, context } = guest.lent.viommu;
    const { vm } = guest.lent;
    const unit = new Unit({
      modules,
      hostMemory: host.memory,
      thread: host.allocateThread(),
      guest: { memory: vm.memory, regions: vm.regions, window: vm.window },
    });
    const look = () => unit.drain.watch(smmuBlock, context.index, 16) >>> 0;
    guest.send(3, sync(), sync());
    expect(guest.cons(3)).toBe(EN);
    expect([look(), guest.cons(3), look()]).toEqual([2, EN + 2, 0]);
    guest.setProd(3, 2);
    look();
    expect([guest.cons(3), look()]).toEqual([2, 0]);
    guest.setProd(3, EN + 2);
    look();
    guest.send(3, ILLEGAL);
    look();
    guest.safePoint(host);
    expect([guest.cons(3), look()]).toEqual([EN + ERR + 0x0100_0002, 0]);
    writeCommand(guest.lent.memory, ringOf(3), 2, sync());
    guest.setProd(3, EN + ERR + 3);
    expect([look(), guest.cons(3) & 0xffff]).toEqual([1, 3]);
    // An overwritten CONS is work for one poll.
    guest.write(at(0) + 12, 0x55);
    look();
    expect([guest.cons(0), look()]).toEqual([EN, 0]);
  });

  it('is preserved by save and restore with its indexes, enables and errors', () => {
    guest.enable(0);
    guest.enable(2);
    guest.send(0, sync(), ILLEGAL);
    guest.safePoint(host);
    const prod = guest.send(2, sync());
    guest.enable(3);
    guest.setProd(3, 0);
    const saved = guest.smmu.save();
    guest.smmu.reset();
    expect([0, 2, 3].map((q) => [guest.isDirect(q), guest.cons(q)])).toEqual(
      Array(3).fill([false, 0]),
    );
    guest.smmu.restore(saved);
    expect([guest.cons(0), guest.cons(2), guest.cons(3)]).toEqual([
      EN + ERR + 0x0100_0001,
      EN + prod,
      0,
    ]);
    expect([0, 1, 2, 3].map((q) => guest.isDirect(q))).toEqual([true, false, true, false]);
    expect(guest.smmu.save()).toEqual(saved);
    writeCommand(guest.lent.memory, ringOf(0), 1, sync());
    guest.setProd(0, (guest.prod(0) ^ ERR) >>> 0);
    expect(guest.cons(0) & 0xff).toBe(2);
    expect(guest.send(2, sync())).toBe(2);
    expect(guest.cons(2)).toBe(EN + 2);
  });

  it('traps where its ring is not memory, and where nothing can be mapped', () => {
    guest.write(at(0), 0x1000 | LOG2SIZE);
    guest.setProd(0, EN + 1);
    expect([guest.isDirect(0), guest.cons(0)]).toEqual([false, EN + ERR + 0x0200_0000]);
  });

  it('releases everything with its VM', () => {
    for (let q = 0; q < 4; q++) guest.enable(q);
    host.destroyVm(guest.lent.vm);
    const next = new Guest(lendVm(host, 'next'));
    expect(
      [0, 1, 2, 3].map((q) => [next.block(q).allocated, next.block(q).overlay, next.cons(q)]),
    ).toEqual(Array(4).fill([false, 0, 0]));
    expect(next.lent.viommu.context.lvcmdqCount).toBe(0);
  });
});
