// SPDX-License-Identifier: MIT
// The table that the CPU's module imports: regions, by their index. Empty where nothing is translated.

/** A WebAssembly.Table, which not all of the types that users compile with know. */
export interface RegionTable {
  readonly length: number;
  get(index: number): unknown;
  grow(by: number, value?: unknown): number;
  set(index: number, value?: unknown): void;
}

/** As short as the module allows. */
export function createRegionTable(): RegionTable {
  return new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
}
