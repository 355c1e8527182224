// SPDX-License-Identifier: MIT
// A VM of a host with an AMD IOMMU whose guest is the test: it writes tables and commands
// to the VM's memory, and has one device.

import {
  AMD_COMMAND_TAIL,
  AMD_DTE_SIZE,
  AMD_ENTRY_SIZE,
  AMD_EVENT_HEAD,
  AMD_EVENT_TAIL,
  AMD_MIN_LENGTH,
  AMD_PPR_HEAD,
  AMD_PPR_TAIL,
  AMD_STATUS,
} from '../../assembly/layout/amd-formats.ts';
import { completionWait } from '../../devices/amd-iommu/index.ts';
import type { MsiController } from '../../devices/bus/index.ts';
import type { DmaPort } from '../../devices/plugin/index.ts';
import { storeStructure } from '../../devices/tables/index.ts';
import type { AmdGuestIommu, AmdHost } from '../../vmm/nested/amd/index.ts';

/** RAM: 4 MiB without its first page, so that the host maps the first 2 MiB in pages. */
export const RAM = 0x80001000;
const SIZE = 0x3ff000;
const BASE = 0x80000000;
const PAGES = 64;
const DEVICE_TABLE = BASE + 0x10000;
const COMMANDS = BASE + 0x20000;
const EVENTS = BASE + 0x30000;
const GCR3 = BASE + 0x40000;
const SEMAPHORE = BASE + 0x50000;
const PAGE_REQUESTS = BASE + 0x60000;
/** Data pages. */
export const DATA = BASE + 0x100000;
export const DEVICE = 8;
export const DOMAIN = 5;
/** CmdBufEn, ComWaitIntEn, EventLogEn, EventIntEn. */
export const CONTROL = 0x101c;
/** PPREn, PPRIntEn, PPRLogEn. */
export const PPR_ENABLES = 0xe000;
const ENTRIES = 2 ** AMD_MIN_LENGTH;
/** P, R/W, U/S. */
export const PTE = 7n;

export class AmdVm {
  readonly iommu: AmdGuestIommu;
  readonly memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared: true });
  readonly port: DmaPort;
  readonly #longs = new BigUint64Array(this.memory.buffer);
  #tail = 0;
  #waits = 0;
  /** Tables of the guest, from the highest level, located after the GCR3 table. */
  #nextTable = GCR3 + 0x1000;

  constructor(host: AmdHost, name = 'vm', msis?: MsiController) {
    const regions = [{ gpa: RAM, offset: RAM - BASE, size: SIZE }];
    const vm = host.createVm(name, this.memory, regions, { msis });
    this.iommu = host.createGuestIommu(vm, [DEVICE]);
    this.port = host.dmaPort(this.iommu, DEVICE);
    this.store(GCR3, BigInt(this.#table()) | 1n);
  }

  load(gpa: number): bigint {
    return Atomics.load(this.#longs, (gpa - BASE) / 8);
  }
  store(gpa: number, value: bigint): void {
    Atomics.store(this.#longs, (gpa - BASE) / 8, value);
  }

  #table(): number {
    const at = this.#nextTable;
    this.#nextTable += 0x1000;
    return at;
  }

  /** Writes the leaf of an iova: a page of level 1, 2 MiB of level 2. */
  map(iova: bigint, entry: bigint, level = 1): void {
    let table = GCR3 + 0x1000;
    for (let at = 4; at > level; at--) {
      const place = table + 8 * Number((iova >> BigInt(3 + 9 * at)) & 0x1ffn);
      if (this.load(place) === 0n) this.store(place, BigInt(this.#table()) | PTE);
      table = Number(this.load(place) & 0xffffffffff000n);
    }
    this.store(table + 8 * Number((iova >> BigInt(3 + 9 * level)) & 0x1ffn), entry);
  }

  /** The device's entry; by default V, TV, GIOV, GV, IR, IW with the GCR3 table. */
  writeDte(
    word0 = 0x60c0000000000003n | (BigInt((GCR3 >>> 12) & 7) << 58n),
    domain = DOMAIN,
  ): void {
    const word1 =
      BigInt(domain) |
      (BigInt((GCR3 >>> 15) & 0xffff) << 16n) |
      (BigInt(Math.floor(GCR3 / 2 ** 31)) << 43n);
    this.store(DEVICE_TABLE + DEVICE * AMD_DTE_SIZE + 8, word1);
    this.store(DEVICE_TABLE + DEVICE * AMD_DTE_SIZE, word0);
  }

  /** The first doubleword of the device's entry. */
  get dteWord(): bigint {
    return this.load(DEVICE_TABLE + DEVICE * AMD_DTE_SIZE);
  }

  /** The interrupt fields of the device's entry. */
  writeRemapping(word2: bigint): void {
    this.store(DEVICE_TABLE + DEVICE * AMD_DTE_SIZE + 16, word2);
  }

  /** Buffers and device table, as set by the guest's registers. */
  bringUp(domain = DOMAIN): this {
    this.writeDte(undefined, domain);
    this.iommu.setBuffers(
      { address: COMMANDS, log2size: AMD_MIN_LENGTH },
      { address: EVENTS, log2size: AMD_MIN_LENGTH },
      { address: PAGE_REQUESTS, log2size: AMD_MIN_LENGTH },
    );
    this.iommu.setControl(CONTROL | PPR_ENABLES);
    this.iommu.setDeviceTable({ address: DEVICE_TABLE, bytes: 4096 });
    return this;
  }

  /** Writes commands, and stores the tail. */
  send(...commands: readonly Uint32Array[]): void {
    const memory = {
      load64: (gpa: number) => this.load(gpa),
      store64: (gpa: number, v: bigint) => this.store(gpa, v),
      allocate: () => 0,
    };
    for (const command of commands) {
      storeStructure(memory, COMMANDS + this.#tail * AMD_ENTRY_SIZE, command);
      this.#tail = (this.#tail + 1) % ENTRIES;
    }
    this.iommu.write(AMD_COMMAND_TAIL, this.#tail * AMD_ENTRY_SIZE);
  }

  /** The same, followed by a COMPLETION_WAIT. True when it has stored its value. */
  complete(...commands: readonly Uint32Array[]): boolean {
    this.#waits++;
    this.send(...commands, completionWait({ address: SEMAPHORE, data: this.#waits }, true));
    this.iommu.service();
    return this.completed;
  }

  get completed(): boolean {
    return this.load(SEMAPHORE) === BigInt(this.#waits);
  }

  /** Replaces the command that was sent `back` commands ago. */
  replace(back: number, command: Uint32Array): void {
    const at = COMMANDS + ((this.#tail - back + ENTRIES) % ENTRIES) * AMD_ENTRY_SIZE;
    this.store(at, (BigInt(command[1] ?? 0) << 32n) | BigInt(command[0] ?? 0));
    this.store(at + 8, (BigInt(command[3] ?? 0) << 32n) | BigInt(command[2] ?? 0));
  }

  /** gpa of the command that was sent `back` commands ago. */
  commandGpa(back: number): number {
    return COMMANDS + ((this.#tail - back + ENTRIES) % ENTRIES) * AMD_ENTRY_SIZE;
  }

  /** One byte by DMA; false when it is refused. */
  write(iova: number, byte: number): boolean {
    return this.port.write(iova, Uint8Array.of(byte)).ok;
  }
  read(iova: number): number | undefined {
    const target = new Uint8Array(1);
    return this.port.read(iova, target).ok ? target[0] : undefined;
  }
  byte(gpa: number): number {
    return Number(this.load(gpa - (gpa % 8)) & 0xffn);
  }

  /** Consumes the entries of a log, as four words each. */
  #take(log: number, headAt: number, tailAt: number): number[][] {
    const tail = this.iommu.read(tailAt);
    const records: number[][] = [];
    for (
      let head = this.iommu.read(headAt);
      head !== tail;
      head = (head + AMD_ENTRY_SIZE) % (ENTRIES * AMD_ENTRY_SIZE)
    ) {
      records.push([...new Uint32Array(this.memory.buffer, log - BASE + head, 4)]);
    }
    this.iommu.write(headAt, tail);
    return records;
  }

  /** Consumes the records of the event log. */
  events(): number[][] {
    return this.#take(EVENTS, AMD_EVENT_HEAD, AMD_EVENT_TAIL);
  }

  /** Consumes the entries of the PPR log. */
  pageRequests(): number[][] {
    return this.#take(PAGE_REQUESTS, AMD_PPR_HEAD, AMD_PPR_TAIL);
  }

  get status(): number {
    return this.iommu.read(AMD_STATUS);
  }
}
