// SPDX-License-Identifier: MIT
// The WASI side of a machine, with a small interface that is independent of the library
// that implements a guest's file system.

/** The console of a guest, its clock, and its random numbers. */
export interface WasiOptions {
  /** argv, the program's name first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Called when the guest writes; the receiver may keep the bytes. */
  onOutput(stream: 'stdout' | 'stderr', bytes: Uint8Array<ArrayBuffer>): void;
  /** Returns available console input, at most `most` bytes; empty when there is none. */
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
