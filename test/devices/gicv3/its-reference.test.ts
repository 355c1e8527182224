// SPDX-License-Identifier: MIT
// The ITS against a simple model, in random sequences of commands, messages, and changes
// of the configuration.

import { expect, it } from 'vitest';
import * as REG from '../../../assembly/layout/gic-registers.ts';
import { Random } from '../../../devices/bus/index.ts';
import { steps } from '../../support/thorough.ts';
import { ITTS, ItsHarness, type ItsTables, pageBytes } from './its-harness.ts';
import { ReferenceIts } from './reference-its.ts';

const VCPUS = 2;
const PMR = 0xd0;
/** Frequently used values first, then those at the limits and beyond. */
const DEVICES = [8, 0x1234, 0, 0x1ff, 0x200, 0xffff, 0x10008];
const EVENTS = [0, 1, 3, 4, 31, 0xffff, 0x10001];
const INTIDS = [8192, 8193, 8223, 8224, 16383, 65535, 16384, 0, 1020, 8191, 65536, 0x80000005];
const COLLECTIONS = [0, 1, 2, 0xff, 0xffff];

const TABLES: readonly ItsTables[] = [
  { pageSize: 0, pages: 1 },
  { pageSize: 1, pages: 2 },
  { pageSize: 2, pages: 8 },
  { pageSize: 0, pages: 1, indirect: [0, 0x1234] },
  { pageSize: 1, pages: 1, indirect: [8, 0xffff] },
  { pageSize: 2, pages: 1, indirect: [0x1234] },
];

/** Whether a table can contain an ID: with two levels, where level 1 has an entry. */
function hasEntry({ pageSize, pages, indirect }: ItsTables, id: number): boolean {
  const page = pageBytes(pageSize);
  if (id > 0xffff) return false;
  if (!indirect) return 8 * id < pages * page;
  const level1 = (one: number) => Math.floor((8 * one) / page);
  return indirect.some((one) => level1(one) === level1(id));
}

class History {
  readonly gic = new ItsHarness(VCPUS);
  readonly plain: ReferenceIts;
  readonly #random: Random;
  #errors = 0;
  readonly #itts = new Map<number, number>();

  constructor(seed: number) {
    this.#random = new Random(seed);
    const tables = this.#random.pick(TABLES);
    const idBits = this.#random.pick([14, 16]);
    this.plain = new ReferenceIts({
      vcpus: VCPUS,
      idBits,
      hasDevice: (id) => hasEntry(tables, id),
      hasCollection: (id) => 8 * id < 8 * pageBytes(tables.pageSize),
    });
    this.gic.setGicd(0, 0x13);
    this.gic.start(tables);
    for (const intid of INTIDS) this.#configure(intid, 0xa1);
    for (let vcpu = 0; vcpu < VCPUS; vcpu++) {
      this.gic.msr(vcpu, REG.ICC_PMR_EL1, PMR);
      this.gic.msr(vcpu, REG.ICC_IGRPEN1_EL1, 1);
      this.gic.enableLpis(vcpu, idBits);
      this.plain.setTakesLpis(vcpu, true);
    }
    for (const device of DEVICES.slice(0, 2)) this.#expect(this.#mapd(device, 5, true));
    for (let id = 0; id < VCPUS; id++) {
      this.gic.mapc(id, id);
      this.plain.mapc(id, id, true);
    }
  }

  #pick(list: readonly number[]): number {
    return this.#random.pick(this.#random.below(4) > 0 ? list.slice(0, 2) : list);
  }

  /**
   * Zeroed memory for the events of a device, which software has to provide: not its
   * current memory.
   */
  #itt(device: number): number {
    const pair = ITTS + 0x100000 * DEVICES.indexOf(device);
    const at = this.#itts.get(device) === pair ? pair + 0x80000 : pair;
    for (const event of EVENTS) if (event < 0x10000) this.gic.store64(at + 8 * event, 0n);
    return at;
  }

  #expect(error: number | undefined): void {
    if (error !== undefined) this.#errors++;
    expect(this.gic.errors.count).toBe(this.#errors);
    if (error !== undefined) expect(this.gic.errors.last).toBe(error);
  }

  #configure(intid: number, byte: number): void {
    if (intid < 8192 || intid > 65535) return;
    this.gic.configure(intid, byte);
    this.plain.configurations.set(intid, byte);
  }

  #mapd(device: number, bits: number, valid: boolean): number | undefined {
    const itt = this.#itt(device);
    this.gic.mapd(device, bits, itt, valid);
    const error = this.plain.mapd(device, bits, valid);
    if (error === undefined) this.#itts.set(device, itt);
    return error;
  }

  step(): void {
    this.#expect(this.#both());
  }

  /** One step of both. Returns the required error of a command. */
  #both(): number | undefined {
    const { gic, plain } = this;
    const random = this.#random;
    const device = this.#pick(DEVICES);
    const event = this.#pick(EVENTS);
    const intid = this.#pick(INTIDS);
    const collection = this.#pick(COLLECTIONS);
    const vcpu = random.below(VCPUS);
    const valid = random.below(4) > 0;
    switch (random.below(24)) {
      case 0: {
        if (random.below(3) > 0) return undefined;
        const bits = random.pick([2, 5, 16, 17]);
        return this.#mapd(device, bits, valid);
      }
      case 1: {
        if (random.below(3) > 0) return undefined;
        const to = random.below(VCPUS + 1);
        gic.mapc(collection, to, valid);
        return plain.mapc(collection, to, valid);
      }
      case 2:
      case 3:
      case 4:
      case 5:
        gic.mapti(device, event, intid, collection);
        return plain.mapti(device, event, intid, collection);
      case 6:
        gic.ofEvent(0x0b, device, event, collection);
        return plain.mapti(device, event, event, collection);
      case 7:
      case 8:
        gic.ofEvent(0x01, device, event, collection);
        return plain.movi(device, event, collection);
      case 9:
        gic.ofEvent(0x03, device, event);
        return plain.int(device, event);
      case 10:
        gic.ofEvent(0x04, device, event);
        return plain.clear(device, event);
      case 11:
        if (valid) return undefined;
        gic.ofEvent(0x0f, device, event);
        return plain.discard(device, event);
      case 12:
        gic.ofEvent(0x0c, device, event);
        return plain.inv(device, event);
      case 13:
        gic.command(0x0d, 0, collection);
        return plain.invall(collection);
      case 14: {
        const to = random.below(VCPUS + 1);
        gic.command(0x0e, 0, vcpu * 2 ** 16, to * 2 ** 16);
        return plain.movall(vcpu, to);
      }
      case 15: {
        const byte = random.below(256) | (valid ? 1 : 0);
        this.#configure(intid, byte);
        return undefined;
      }
      case 16:
        if (random.below(8) > 0) return undefined;
        gic.setGicr(vcpu, 0, valid ? 1 : 0);
        plain.setTakesLpis(vcpu, valid);
        return undefined;
      default:
        gic.send(device, event);
        plain.message(device, event);
        return undefined;
    }
  }

  /**
   * Compares the first interrupt of each vCPU; now and then the vCPU takes it. Returns
   * how many take one.
   */
  compare(): number {
    let taken = 0;
    for (let vcpu = 0; vcpu < VCPUS; vcpu++) {
      expect(this.gic.mrs(vcpu, REG.ICC_HPPIR1_EL1)).toBe(this.plain.highest(vcpu));
      if (this.#random.below(4) > 0) continue;
      const intid = this.plain.acknowledge(vcpu, PMR);
      expect(this.gic.iar(vcpu)).toBe(intid);
      if (intid === 1023) continue;
      this.gic.eoi(intid, vcpu);
      taken++;
    }
    return taken;
  }
}

it('two ITSs have the same results for every sequence', { timeout: 300_000 }, () => {
  let taken = 0;
  const histories = steps(12, 1000);
  for (let seed = 1; seed <= histories; seed++) {
    const history = new History(seed);
    for (let i = 0; i < 400; i++) {
      history.step();
      taken += history.compare();
    }
  }
  expect(taken).toBeGreaterThan(histories * 10);
});
