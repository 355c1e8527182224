// SPDX-License-Identifier: MIT
// The WASI side of a machine, behind a small interface: the machine does not care which
// library serves a guest's file system.

/** Where a guest's console goes, and what its clock and random numbers are. */
export interface WasiOptions {
  /** argv, the program's name first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Called while the guest writes; the bytes are the receiver's to keep. */
  onOutput(stream: 'stdout' | 'stderr', bytes: Uint8Array<ArrayBuffer>): void;
  /** Console input that is there already, at most `most` bytes; empty when there is none. */
  readInput(most: number): Uint8Array;
  /** Fills `target` with random bytes. */
  random(target: Uint8Array<ArrayBuffer>): void;
  /** Monotonic time in nanoseconds. */
  nowNs(): number;
}

/** Functions of wasi_snapshot_preview1 for one guest. */
export interface WasiHost {
  /** By name. They throw GuestExit for proc_exit. */
  readonly functions: Readonly<Record<string, (...args: never[]) => unknown>>;
  dispose(): void;
}

export type WasiFactory = (
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  options: WasiOptions,
) => Promise<WasiHost>;
