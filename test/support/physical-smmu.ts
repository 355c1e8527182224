// SPDX-License-Identifier: MIT
// A physical SMMU on the real hot modules, with tables of literal doublewords in host
// RAM: one stream with a CD, stage-1 tables and stage-2 tables, all with 4 KiB granules
// and 39-bit input.

import { ATC_ON } from '../../assembly/layout/ats-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import { PhysicalSmmu, type SmmuIdRegisters } from '../../devices/smmuv3/index.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import { createHostMemory, smmuBase, Unit } from '../../devices/unit/index.ts';
import { checkedModules } from './findings.ts';
import { HostRam } from './host-ram.ts';

const modules = await checkedModules();

/** Bytes of host RAM: the existing PAs. */
export const RAM_SIZE = 0x100000;
export const EVENT_LINE = 0;
export const GERROR_LINE = 1;
/** The stream, and the address of its STE. */
export const SID = 5;
export const STREAMS = 0x10000;
export const STE = STREAMS + 64 * SID;
export const CD = 0x20000;
/** The other stream in a span of two, which CONT_OF_TWO in doubleword 1 claims. */
export const NEIGHBOUR = SID - 1;
export const CONT_OF_TWO = 1n << 13n;
/** Stage 1: first table to last, one page apart. */
export const TABLES = [0x21000, 0x22000, 0x23000] as const;
/** Stage 2, in the same way. */
export const TABLES2 = [0x30000, 0x31000, 0x32000] as const;
const EVENTS = 0x8000;
/** The command ring, of four entries. */
export const RING = 0x4000;
const ENTRIES_LOG2 = 2;

/** V, Config 5, 6, 7 with the CD at 0x20000; S1DSS 2 and cacheable. */
export const STE0 = { s1: 0x2000bn, s2: 0xdn, nested: 0x2000fn } as const;
export const STE1 = 0xd6n;
/** VMID 7, S2T0SZ 25, S2SL0 1, 4 KiB, S2PS 48 bits, S2AA64, S2R. */
export const STE2 = 0x040d_3559_0000_0007n;
/** T0SZ 25, EPD1, V, IPS 48 bits, AA64, R, A, ASET, ASID 1. */
export const CD0 = 0x0001_e205_c000_3519n;

export class PhysicalBoard {
  readonly host = new FakeHost();
  readonly ram: HostRam;
  readonly unit: Unit;
  readonly device: PhysicalSmmu;
  readonly bus: DeviceBus;
  #commands = 0;
  #port = -1;

  constructor(idRegisters?: SmmuIdRegisters) {
    const hostMemory = createHostMemory({ ramSize: RAM_SIZE });
    this.ram = new HostRam(hostMemory);
    this.unit = new Unit({ modules, hostMemory, thread: 0 });
    this.device = new PhysicalSmmu({
      unit: this.unit,
      smmuIndex: 0,
      ...(idRegisters ? { idRegisters } : {}),
    });
    this.device.attach(this.host);
    this.device.reset();
    this.bus = new DeviceBus(this.device);
    this.#tables();
    this.enable();
  }

  /** Its registers, as after construction. */
  enable(): void {
    // RECINVSID; a linear table of 64 streams; queues of 4 entries; both interrupts;
    // EVENTQEN, CMDQEN, SMMUEN.
    this.bus.write32(0x2c, 2);
    this.bus.write64(0x80, BigInt(STREAMS));
    this.bus.write32(0x88, 6);
    this.bus.write64(0x90, BigInt(RING + ENTRIES_LOG2));
    this.bus.write64(0xa0, BigInt(EVENTS + ENTRIES_LOG2));
    this.bus.write32(0x50, 5);
    this.bus.write32(0x20, 0xd);
  }

  #tables(): void {
    this.ste('s1');
    const [first, second, third] = TABLES;
    const words: [number, bigint][] = [
      [CD, CD0],
      [CD + 8, BigInt(first)],
      [CD + 24, 0xf404_ff44n],
      [first, BigInt(second + 3)],
      [second, BigInt(third + 3)],
      // Page 1 read and write, page 2 nothing, page 3 read-only, page 4 without its
      // access flag.
      [third + 8, 0x40f47n],
      [third + 24, 0x40fc7n],
      [third + 32, 0x40b47n],
      [TABLES2[0], BigInt(TABLES2[1] + 3)],
      [TABLES2[1], BigInt(TABLES2[2] + 3)],
    ];
    for (const [pa, word] of words) this.ram.store64(pa, word);
    for (let page = 0x20; page <= 0x40; page++)
      this.ram.store64(TABLES2[2] + 8 * page, BigInt(page * 0x1000 + 0x7ff));
  }

  /** Writes an STE: the doublewords of a mode, with some replaced. */
  ste(
    mode: keyof typeof STE0,
    [d0 = STE0[mode], d1 = STE1, d2 = STE2]: readonly (bigint | undefined)[] = [],
    sid = SID,
  ): void {
    for (const [i, word] of [d0, d1, d2, BigInt(TABLES2[0])].entries())
      this.ram.store64(STREAMS + 64 * sid + 8 * i, word);
  }

  /** An access with ACCESS_* attributes: its status, TRANSLATE_*. */
  access(
    iova: bigint,
    {
      attributes = 0,
      sid = SID,
      ssid = -1,
    }: { attributes?: number; sid?: number; ssid?: number } = {},
  ): number {
    this.unit.core.accessBegin();
    const status = this.unit.translate(
      smmuBase(0),
      sid,
      ssid,
      Number(iova & 0xffffffffn),
      Number(iova >> 32n),
      attributes,
    );
    this.unit.core.accessEnd();
    return status;
  }

  /** A hint for a number of pages. */
  hint(
    iova: bigint,
    pages: number,
    { attributes = 0, ssid = -1 }: { attributes?: number; ssid?: number } = {},
  ): void {
    const lo = Number(iova & 0xffffffffn) | 0;
    this.unit.core.pageHint(smmuBase(0), SID, ssid, lo, Number(iova >> 32n) | 0, attributes, pages);
  }

  /** A read of an endpoint with an ATC: ATS_* or ATC_*. */
  atcAccess(iova: bigint): number {
    const { core } = this.unit;
    if (this.#port < 0) this.#port = core.atcSetMode(smmuBase(0), SID, ATC_ON);
    core.accessBegin();
    const status = this.unit.atcAccess(
      smmuBase(0),
      this.#port,
      SID,
      -1,
      Number(iova & 0xffffffffn),
      Number(iova >> 32n),
      0,
    );
    core.accessEnd();
    return status;
  }

  /** PA of an access, undefined when it is refused. */
  pa(iova: bigint, options: Parameters<PhysicalBoard['access']>[1] = {}): bigint | undefined {
    if (this.access(iova, options) !== TRANSLATE_OK) return undefined;
    return this.unit.threadBlock.pa;
  }

  /** Maps a page of stage 1, read and write. */
  map(page: number, pa: bigint): void {
    this.ram.store64(TABLES[2] + 8 * page, pa | 0xf47n);
  }

  /** Executes a command. */
  command(d0: bigint, d1 = 0n): void {
    const entry = RING + 16 * (this.#commands % 2 ** ENTRIES_LOG2);
    this.ram.store64(entry, d0);
    this.ram.store64(entry + 8, d1);
    this.#commands = (this.#commands + 1) % 2 ** (ENTRIES_LOG2 + 1);
    this.bus.write32(0x98, this.#commands);
  }

  /** CFGI_ALL and TLBI_NSNH_ALL. */
  invalidateAll(): void {
    this.command(0x04n, 31n);
    this.command(0x30n);
  }

  /** EVENTQ_PROD. */
  get produced(): number {
    return this.bus.read32(0x100a8);
  }

  /** A record in memory, as four doublewords of 16 digits. */
  record(index: number): string {
    const at = EVENTS + 32 * index;
    return [0, 8, 16, 24]
      .map((offset) =>
        this.ram
          .load64(at + offset)
          .toString(16)
          .padStart(16, '0'),
      )
      .join(' ');
  }
}
