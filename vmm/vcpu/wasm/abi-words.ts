// SPDX-License-Identifier: MIT
// Words of the info page that reach a Wasm guest without a call (docs/guest-abi.md).

import {
  ABI_AREA_SIZE,
  ABI_AT_DRAIN_SLEEPING,
  ABI_AT_DRAIN_WAKE,
  ABI_AT_EXIT_REQUEST,
  ABI_AT_EXITS,
  ABI_AT_INVALIDATING,
  ABI_AT_VCPU_EXITS,
  ABI_AT_VCPU_INVALIDATING,
  ABI_INVALIDATING_DIRECT,
} from '../../../assembly/layout/guest-abi.ts';
import type { ExitRequestWords } from '../../../devices/unit/index.ts';
import type { DrainSleepWords, ExitView, ImportCalls } from '../guest.ts';

/** One word, which all vCPUs poll. */
export const ABI_EXIT_REQUEST: ExitRequestWords = {
  count: 1,
  offset: ABI_AT_EXIT_REQUEST,
  stride: 0,
  value: 1,
};

export const ABI_DRAIN_SLEEP: DrainSleepWords = {
  sleeping: ABI_AT_DRAIN_SLEEPING,
  wake: ABI_AT_DRAIN_WAKE,
};

/**
 * Index of the word of the info page in which a vCPU marks the path of its batch
 * (ABI_INVALIDATING_*).
 */
export function invalidatingWord(vcpu: number): number {
  return vcpu === 0 ? ABI_AT_INVALIDATING >> 2 : (ABI_AT_VCPU_INVALIDATING >> 2) + vcpu;
}

/** Shows a Wasm guest its exits. */
export class AbiExits implements ExitView {
  readonly importCalls: ImportCalls;
  readonly #info: Int32Array;

  constructor(memory: WebAssembly.Memory, importCalls: ImportCalls) {
    this.importCalls = importCalls;
    this.#info = new Int32Array(memory.buffer, 0, ABI_AREA_SIZE / 4);
  }

  counted(vcpu: number, total: number): void {
    const info = this.#info;
    info[ABI_AT_EXITS >> 2] = total | 0;
    const own = (ABI_AT_VCPU_EXITS >> 2) + vcpu;
    info[own] = (info[own] ?? 0) + 1;
  }

  isInvalidating(vcpu: number): boolean {
    return this.#info[invalidatingWord(vcpu)] === ABI_INVALIDATING_DIRECT;
  }
}
