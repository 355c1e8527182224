// SPDX-License-Identifier: MIT
// A GICv3 with its ITS, driven as software and devices do. Offsets and encodings are
// literal.

import { GicIts } from '../../../devices/gicv3/index.ts';
import type { AccessSize } from '../../../devices/plugin/index.ts';
import { AT, GicHarness, module, RAM_GPA } from './gic-harness.ts';

/** Page size in GITS_BASER: 0 is 4 KiB, 1 is 16 KiB, 2 is 64 KiB. */
export type PageSize = 0 | 1 | 2;

export interface ItsTables {
  readonly pageSize: PageSize;
  /** Pages of the device table, or of its first level. */
  readonly pages: number;
  /** The level 1 table has entries for these DeviceIDs. Undefined: the table is flat. */
  readonly indirect?: readonly number[];
}

/** Addresses of the tables of these tests; the rest of RAM is for ITTs. */
export const PROPERTIES = RAM_GPA + 0x10000;
export const QUEUE = RAM_GPA + 0x20000;
const PENDING = RAM_GPA + 0x30000;
const COLLECTIONS = RAM_GPA + 0x80000;
export const DEVICE_TABLE = RAM_GPA + 0x100000;
export const LEVEL_2 = RAM_GPA + 0x200000;
export const ITTS = RAM_GPA + 0x400000;
const RAM_SIZE = 0xc00000;
const QUEUE_SIZE = 0x10000;
/** Address of the ITS for devices. */
export const ITS_GPA = 0x08080000;
const VALID = 1n << 63n;

export const pageBytes = (pageSize: PageSize): number => 0x1000 * 4 ** pageSize;

export class ItsHarness extends GicHarness {
  readonly its: GicIts;
  readonly #view: DataView;
  #queued = 0;

  constructor(vcpus = 1) {
    super(vcpus, 32, RAM_SIZE);
    this.its = new GicIts({ module, memory: this.memory, at: AT });
    this.#view = new DataView(this.memory.buffer, this.ram?.offset);
  }

  store64(gpa: number, value: bigint): void {
    this.#view.setBigUint64(gpa - RAM_GPA, value, true);
  }

  load64(gpa: number): bigint {
    return this.#view.getBigUint64(gpa - RAM_GPA, true);
  }

  /** A register, as one access of 32 or 64 bits. */
  gits(offset: number, size: AccessSize = 8): bigint {
    const access = { region: 0, offset, size, lo: 0, hi: 0, vcpu: 0 };
    this.its.read(access);
    return BigInt(access.lo >>> 0) + (BigInt(access.hi >>> 0) << 32n);
  }

  setGits(offset: number, value: bigint | number, size: AccessSize = 8): void {
    const wide = BigInt.asUintN(64, BigInt(value));
    const [lo, hi] = [Number(wide & 0xffffffffn), Number(wide >> 32n)];
    this.its.write({ region: 0, offset, size, lo, hi, vcpu: 0 });
  }

  /**
   * Sets the configuration of an LPI, which takes effect once it has been invalidated.
   */
  configure(intid: number, byte: number): void {
    this.#view.setUint8(PROPERTIES - RAM_GPA + intid - 8192, byte);
  }

  /** Enables LPIs of a vCPU, like Linux. */
  enableLpis(vcpu: number, idBits = 16): void {
    this.setGicr(vcpu, 0x70, (PROPERTIES | 0x780 | (idBits - 1)) >>> 0);
    this.setGicr(vcpu, 0x78, (PENDING + 0x10000 * vcpu) >>> 0);
    this.setGicr(vcpu, 0, 1);
  }

  /** Sets up tables and queue, and enables the ITS. */
  start({ pageSize, pages, indirect }: ItsTables = { pageSize: 2, pages: 8 }): this {
    const level1 = indirect ? 1n << 62n : 0n;
    const shape = BigInt((pageSize << 8) | (pages - 1)) | VALID;
    this.setGits(0x100, BigInt(DEVICE_TABLE) | shape | level1);
    this.setGits(0x108, BigInt(COLLECTIONS) | BigInt(pageSize << 8) | 7n | VALID);
    const page = pageBytes(pageSize);
    [...new Set(indirect?.map((id) => Math.floor((id * 8) / page)))].forEach((index, i) => {
      this.store64(DEVICE_TABLE + 8 * index, VALID | BigInt(LEVEL_2 + page * i));
    });
    this.setGits(0x80, BigInt(QUEUE) | 0xfn | VALID);
    this.setGits(0, 1, 4);
    return this;
  }

  /** Puts a command into the queue. */
  queue(...words: readonly (bigint | number)[]): void {
    for (let i = 0; i < 4; i++)
      this.store64(QUEUE + this.#queued + 8 * i, BigInt.asUintN(64, BigInt(words[i] ?? 0)));
    this.#queued = (this.#queued + 32) % QUEUE_SIZE;
  }

  /** Starts the execution of the commands. */
  ring(): void {
    this.setGits(0x88, this.#queued);
  }

  command(...words: readonly (bigint | number)[]): void {
    this.queue(...words);
    this.ring();
  }

  mapd(device: number, bits: number, itt: number, valid = true): void {
    this.command(0x08n | (BigInt(device) << 32n), bits - 1, BigInt(itt) | (valid ? VALID : 0n));
  }

  mapc(collection: number, vcpu: number, valid = true): void {
    const word = BigInt(collection) | (BigInt(vcpu) << 16n);
    this.command(0x09, 0, word | (valid ? VALID : 0n));
  }

  mapti(device: number, event: number, intid: number, collection: number): void {
    this.command(
      0x0an | (BigInt(device) << 32n),
      BigInt(event) | (BigInt(intid) << 32n),
      collection,
    );
  }

  /**
   * MOVI, INT, CLEAR, INV, DISCARD and MAPI: a command, its event, and its collection if
   * it has one.
   */
  ofEvent(command: number, device: number, event: number, collection = 0): void {
    this.command(BigInt(command) | (BigInt(device) << 32n), event, collection);
  }

  /** A device's write to GITS_TRANSLATER. */
  send(device: number, event: number): void {
    this.its.msiController(ITS_GPA).send(device, ITS_GPA + 0x10040, event);
  }

  /** The number of commands in error, and the last one's error code. */
  get errors(): { readonly count: number; readonly last: number } {
    const words = new Uint32Array(this.memory.buffer, AT + 0x10c, 2);
    return { count: words[0] ?? 0, last: words[1] ?? 0 };
  }

  /** As Linux boots it: each vCPU has the collection of its number. */
  override boot(): this {
    super.boot();
    this.start();
    for (let intid = 8192; intid < 8192 + 64; intid++) this.configure(intid, 0xc3);
    for (let vcpu = 0; vcpu < this.vcpus; vcpu++) {
      this.enableLpis(vcpu);
      this.mapc(vcpu, vcpu);
    }
    return this;
  }
}
