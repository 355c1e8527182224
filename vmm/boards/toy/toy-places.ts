// SPDX-License-Identifier: MIT
// Parts of the standard board that are independent of where its guests run: RAM, console
// and checkpoint device.

import type { CheckpointOptions } from '../../../devices/checkpoint/index.ts';

/** gpa of memory offset 0. */
export const TOY_RAM_GPA_BASE = 0x80000000;
/** Bytes of a page of a WebAssembly memory. */
export const WASM_PAGE = 0x10000;

/** Places of the devices. */
export const TOY_PLACES = {
  pl011: { addresses: [0x09000000], firstIrq: 1 },
  checkpoint: { addresses: [0x09100000] },
} as const;

/** Ignores all reports. */
export const NO_CHECKPOINT: CheckpointOptions = {
  onPhase: () => undefined,
  onResult: () => undefined,
};
