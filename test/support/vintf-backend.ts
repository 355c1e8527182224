// SPDX-License-Identifier: MIT
// A VintfBackend over a physical CMDQV that is driven through its registers, with one
// machine and one unit: a minimal host.

import {
  CMDQV_CMDQ_ALLOC,
  CMDQV_DIRECT_PAGE0,
  CMDQV_DIRECT_PAGE1,
  CMDQV_VINTF,
  CMDQV_VINTF_STRIDE,
  VCMDQ_BASE,
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import type { HotModules } from '../../assembly/load.ts';
import { PhysicalCmdqv, type VintfBackend } from '../../devices/cmdqv/index.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import {
  ContextBlock,
  createHostMemory,
  QueueBlock,
  Unit,
  writeActions,
} from '../../devices/unit/index.ts';
import { IDR0 } from './unit-harness.ts';

/** Window of the machine's memory. */
const WINDOW = 1;
/**
 * VINTF that is lent to the machine: not the first, so that mixed-up indices are noticed.
 */
export const VINTF = 1;
export const LVCMDQS = 2;
/** VMID that the host has assigned to the VINTF. */
export const VMID = 7;

export class TestVintfBackend implements VintfBackend {
  readonly lvcmdqCount = LVCMDQS;
  readonly doorbellId = VINTF;
  readonly unit: Unit;
  readonly physical: DeviceBus;
  readonly context: ContextBlock;
  /**
   * The device's requests, in order: "enable", "allocate 0 0x80010000 4", "free 0",
   * "map", "unmap".
   */
  readonly calls: string[] = [];
  /** Largest ring that the host accepts, log2 of its entries. */
  maxLog2size = 8;
  raise: (lvcmdq: number) => void = () => undefined;
  readonly #guestMemory: WebAssembly.Memory;

  constructor(modules: HotModules, host: FakeHost) {
    this.#guestMemory = host.guestMemory;
    const hostMemory = createHostMemory({ ramSize: 0x10000 });
    writeActions(hostMemory, 0, IDR0);
    const regions = [{ gpa: host.ramGpa, offset: host.ramOffset, size: host.ramSize }];
    this.unit = new Unit({
      modules,
      hostMemory,
      thread: 0,
      guest: { memory: host.guestMemory, regions, window: WINDOW },
    });
    const device = new PhysicalCmdqv({
      unit: this.unit,
      smmuIndex: 0,
      vintfs: 2,
      vcmdqs: 2 * LVCMDQS,
    });
    device.attach(new FakeHost());
    device.reset();
    this.physical = new DeviceBus(device);
    this.context = new ContextBlock(hostMemory, 0, VINTF);
    this.context.window = WINDOW;
    this.#writeConfig(false);
  }

  #writeConfig(enabled: boolean): void {
    this.physical.write32(
      CMDQV_VINTF + VINTF * CMDQV_VINTF_STRIDE,
      (VMID << 1) | (enabled ? 1 : 0),
    );
  }

  #vcmdq(lvcmdq: number): number {
    return VINTF * LVCMDQS + lvcmdq;
  }

  #page0(lvcmdq: number): number {
    return CMDQV_DIRECT_PAGE0 + this.#vcmdq(lvcmdq) * VCMDQ_STRIDE;
  }

  queue(lvcmdq: number): QueueBlock {
    return new QueueBlock(this.unit.hostMemory, 0, this.#vcmdq(lvcmdq));
  }

  setEnabled(enabled: boolean): void {
    this.calls.push(enabled ? 'enable' : 'disable');
    this.#writeConfig(enabled);
  }

  allocateQueue(lvcmdq: number, baseGpa: number, log2size: number): boolean {
    this.calls.push(`allocate ${lvcmdq} 0x${baseGpa.toString(16)} ${log2size}`);
    if (log2size > this.maxLog2size || baseGpa % (16 << log2size) !== 0 || baseGpa >= 2 ** 32)
      return false;
    if (this.unit.port.resolveGpa(baseGpa | 0, 0, 16 << log2size) === -1) return false;
    this.physical.write32(
      CMDQV_CMDQ_ALLOC + 4 * this.#vcmdq(lvcmdq),
      (VINTF << 15) | (lvcmdq << 1) | 1,
    );
    for (const register of [VCMDQ_CONFIG, VCMDQ_PROD, VCMDQ_CONS])
      this.writePage0(lvcmdq, register, 0);
    this.writePage0(lvcmdq, VCMDQ_GERRORN, this.readPage0(lvcmdq, VCMDQ_GERROR));
    const base = CMDQV_DIRECT_PAGE1 + this.#vcmdq(lvcmdq) * VCMDQ_STRIDE + VCMDQ_BASE;
    this.physical.write64(base, BigInt(WINDOW * 2 ** 32 + baseGpa + log2size));
    return true;
  }

  freeQueue(lvcmdq: number): void {
    this.calls.push(`free ${lvcmdq}`);
    this.writePage0(lvcmdq, VCMDQ_CONFIG, 0);
    this.physical.write64(CMDQV_DIRECT_PAGE1 + this.#vcmdq(lvcmdq) * VCMDQ_STRIDE + VCMDQ_BASE, 0n);
    this.physical.write32(
      CMDQV_CMDQ_ALLOC + 4 * this.#vcmdq(lvcmdq),
      (VINTF << 15) | (lvcmdq << 1),
    );
  }

  mapPage0(memoryOffset: number): void {
    this.calls.push('map');
    this.context.mapPage0(this.#guestMemory, memoryOffset);
  }

  unmapPage0(): void {
    this.calls.push('unmap');
    this.context.unmapPage0(this.#guestMemory);
  }

  /**
   * Word index of a slot's register in the mapped page; undefined while page 0 is not
   * mapped.
   */
  #mapped(lvcmdq: number, register: number): number | undefined {
    return this.context.page0 === 0
      ? undefined
      : (this.context.page0 + lvcmdq * VCMDQ_STRIDE + register) >> 2;
  }

  readPage0(lvcmdq: number, register: number): number {
    const word = this.#mapped(lvcmdq, register);
    if (word === undefined) return this.physical.read32(this.#page0(lvcmdq) + register);
    return (new Int32Array(this.#guestMemory.buffer)[word] ?? 0) >>> 0;
  }

  writePage0(lvcmdq: number, register: number, value: number): void {
    const word = this.#mapped(lvcmdq, register);
    if (word === undefined) {
      this.physical.write32(this.#page0(lvcmdq) + register, value);
      return;
    }
    new Int32Array(this.#guestMemory.buffer)[word] = value;
    this.unit.drain.doorbell(this.doorbellId, lvcmdq * VCMDQ_STRIDE + register);
  }

  onError(raise: (lvcmdq: number) => void): void {
    this.raise = raise;
  }
}
