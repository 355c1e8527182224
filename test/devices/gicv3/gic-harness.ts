// SPDX-License-Identifier: MIT
// A GICv3 with its CPU interfaces, driven as software and devices do.

import * as REG from '../../../assembly/layout/gic-registers.ts';
import { type Gicv3Exports, loadGicv3, type MemoryRegion } from '../../../assembly/load.ts';
import { Gicv3, gicBlockSize } from '../../../devices/gicv3/index.ts';
import type { AccessSize } from '../../../devices/plugin/index.ts';

export const module = await loadGicv3();

/** Offset of the block in the memory of these tests. */
export const AT = 0x1000;
export const RAM_GPA = 0x40000000;

export class GicHarness {
  readonly memory: WebAssembly.Memory;
  readonly device: Gicv3;
  readonly exports: Gicv3Exports;
  readonly vcpus: number;
  readonly spis: number;

  /** With LPIs: RAM at RAM_GPA, after the block. */
  readonly ram: MemoryRegion | undefined;

  /** @param ramSize bytes, a multiple of 64 KiB; 0: without LPIs. */
  constructor(vcpus = 1, spis = 256, ramSize = 0) {
    this.vcpus = vcpus;
    this.spis = spis;
    const end = Math.ceil((AT + gicBlockSize(vcpus, ramSize > 0)) / 0x10000) * 0x10000;
    const pages = (end + ramSize) / 0x10000;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.ram = ramSize > 0 ? { gpa: RAM_GPA, offset: end, size: ramSize } : undefined;
    const { memory, ram: lpiTables } = this;
    this.device = new Gicv3({ module, memory, at: AT, vcpus, spis, lpiTables });
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.exports = exports as unknown as Gicv3Exports;
  }

  #access(region: number, offset: number, size: AccessSize, lo = 0, hi = 0) {
    return { region, offset, size, lo, hi, vcpu: 0 };
  }

  read(region: number, offset: number, size: AccessSize = 4): number {
    const access = this.#access(region, offset, size);
    this.device.read(access);
    return access.lo;
  }

  readHigh(region: number, offset: number): number {
    const access = this.#access(region, offset, 8);
    this.device.read(access);
    return access.hi;
  }

  gicd(offset: number, size: AccessSize = 4): number {
    return this.read(0, offset, size);
  }

  setGicd(offset: number, lo: number, size: AccessSize = 4, hi = 0): void {
    this.device.write(this.#access(0, offset, size, lo, hi));
  }

  gicr(vcpu: number, offset: number, size: AccessSize = 4): number {
    return this.read(1, 0x20000 * vcpu + offset, size);
  }

  setGicr(vcpu: number, offset: number, lo: number, size: AccessSize = 4): void {
    this.device.write(this.#access(1, 0x20000 * vcpu + offset, size, lo));
  }

  mrs(vcpu: number, register: number): number | 'undefined' {
    const value = this.exports.iccRead(AT, vcpu, register);
    return value === -1n ? 'undefined' : Number(value);
  }

  msr(vcpu: number, register: number, value: number | bigint): 'undefined' | undefined {
    return this.exports.iccWrite(AT, vcpu, register, BigInt(value)) === 0 ? 'undefined' : undefined;
  }

  iar(vcpu = 0) {
    return this.mrs(vcpu, REG.ICC_IAR1_EL1);
  }

  eoi(intid: number, vcpu = 0): void {
    this.msr(vcpu, REG.ICC_EOIR1_EL1, intid);
  }

  irq(vcpu = 0): boolean {
    return this.exports.irqAsserted(AT, vcpu) !== 0;
  }

  /** The line of an interrupt: of a device's SPI, or of a vCPU's PPI. */
  setLine(intid: number, high: boolean, vcpu = 0): void {
    if (intid >= 32) this.device.line(intid - 32).setLevel(high);
    else this.exports.setLine(AT, vcpu, intid, high ? 1 : 0);
  }

  pulse(intid: number): void {
    this.device.line(intid - 32).pulse();
  }

  /**
   * As Linux initializes the GIC: all of group 1 and of priority 0xc0, nothing enabled,
   * PMR 0xf0.
   */
  boot(): this {
    for (let intid = 32; intid < 32 + this.spis; intid += 4)
      this.setGicd(0x400 + intid, 0xc0c0c0c0);
    for (let intid = 32; intid < 32 + this.spis; intid += 32)
      this.setGicd(0x80 + intid / 8, 0xffffffff);
    this.setGicd(0, 0x13);
    for (let vcpu = 0; vcpu < this.vcpus; vcpu++) {
      this.setGicr(vcpu, 0x14, 0);
      this.setGicr(vcpu, 0x10080, 0xffffffff);
      for (let intid = 0; intid < 32; intid += 4) this.setGicr(vcpu, 0x10400 + intid, 0xc0c0c0c0);
      this.msr(vcpu, REG.ICC_PMR_EL1, 0xf0);
      this.msr(vcpu, REG.ICC_IGRPEN1_EL1, 1);
    }
    return this;
  }

  /** Enables an interrupt, as edge-triggered or level-sensitive. */
  enable(intid: number, trigger: 'edge' | 'level', vcpu = 0): void {
    const bit = (1 << (intid % 32)) >>> 0;
    const edge = trigger === 'edge' ? 2 << (2 * (intid % 16)) : 0;
    const config = 0xc00 + 4 * Math.floor(intid / 16);
    const mask = ~(2 << (2 * (intid % 16)));
    if (intid < 32) {
      this.setGicr(vcpu, 0x10000 + config, (this.gicr(vcpu, 0x10000 + config) & mask) | edge);
      this.setGicr(vcpu, 0x10100, bit);
    } else {
      this.setGicd(config, (this.gicd(config) & mask) | edge);
      this.setGicd(0x100 + 4 * Math.floor(intid / 32), bit);
    }
  }
}
