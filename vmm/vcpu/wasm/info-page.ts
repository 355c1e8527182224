// SPDX-License-Identifier: MIT
// The info page, at offset 0 of a guest's memory (docs/guest-abi.md).

import {
  ABI_AT_DEVICE_COUNT,
  ABI_AT_DEVICES,
  ABI_AT_MACHINE,
  ABI_AT_MAGIC,
  ABI_AT_MEMORY_SIZE,
  ABI_AT_RAM_GPA_BASE,
  ABI_AT_TIME,
  ABI_AT_VCPUS,
  ABI_AT_VERSION,
  ABI_DEVICE_GPA,
  ABI_DEVICE_IRQ,
  ABI_DEVICE_KIND,
  ABI_DEVICE_REGION_SIZE,
  ABI_DEVICE_SIZE,
  ABI_DEVICE_SMMU,
  ABI_DEVICE_STREAM,
  ABI_DIRECT_PAGES,
  ABI_MAGIC,
  ABI_MAX_DEVICES,
  ABI_NO_IRQ,
  ABI_NO_STREAM,
  ABI_VERSION,
} from '../../../assembly/layout/guest-abi.ts';
import type { Placement } from '../../../devices/bus/placement.ts';

export interface InfoPageContents {
  readonly ramGpaBase: number;
  readonly vcpus: number;
  /** Index of the machine among those of its host. */
  readonly machine: number;
  readonly devices: readonly Placement[];
}

/** Writes the whole page. */
export function writeInfoPage(memory: WebAssembly.Memory, contents: InfoPageContents): void {
  const { ramGpaBase, vcpus, machine, devices } = contents;
  if (devices.length > ABI_MAX_DEVICES)
    throw new RangeError(`a machine has at most ${ABI_MAX_DEVICES} devices, not ${devices.length}`);
  const words = new Uint32Array(memory.buffer, 0, ABI_DIRECT_PAGES / 4);
  words.fill(0);
  words[ABI_AT_MAGIC >> 2] = ABI_MAGIC;
  words[ABI_AT_VERSION >> 2] = ABI_VERSION;
  words[ABI_AT_RAM_GPA_BASE >> 2] = ramGpaBase;
  words[ABI_AT_MEMORY_SIZE >> 2] = memory.buffer.byteLength;
  words[ABI_AT_VCPUS >> 2] = vcpus;
  words[ABI_AT_MACHINE >> 2] = machine;
  words[ABI_AT_DEVICE_COUNT >> 2] = devices.length;
  devices.forEach(({ device, addresses, firstIrq, dmaPort, smmu = 0 }, i) => {
    const entry = (ABI_AT_DEVICES + i * ABI_DEVICE_SIZE) >> 2;
    words[entry + (ABI_DEVICE_KIND >> 2)] = device.identity.kind;
    words[entry + (ABI_DEVICE_GPA >> 2)] = addresses[0] ?? 0;
    words[entry + (ABI_DEVICE_REGION_SIZE >> 2)] = device.regions[0]?.size ?? 0;
    words[entry + (ABI_DEVICE_IRQ >> 2)] =
      device.identity.interrupts > 0 ? (firstIrq ?? ABI_NO_IRQ) : ABI_NO_IRQ;
    words[entry + (ABI_DEVICE_STREAM >> 2)] = dmaPort?.streamId ?? ABI_NO_STREAM;
    words[entry + (ABI_DEVICE_SMMU >> 2)] = smmu;
  });
}

/**
 * Keeps ABI_AT_TIME up to date. The 64 bits are assembled in private memory and copied as
 * one double, in one store, so that no vCPU reads half of a time. (A BigInt would do the
 * same for ten times the cost, at every exit. Times below 2^63 ns are not NaN, so every
 * bit arrives.)
 */
export class TimeMirror {
  readonly #time: Float64Array;
  readonly #bits = new Float64Array(1);
  readonly #words = new Uint32Array(this.#bits.buffer);

  constructor(memory: WebAssembly.Memory) {
    this.#time = new Float64Array(memory.buffer, ABI_AT_TIME, 1);
  }

  store(ns: number): void {
    this.#words[0] = ns % 2 ** 32;
    this.#words[1] = ns / 2 ** 32;
    this.#time[0] = this.#bits[0] ?? 0;
  }
}
