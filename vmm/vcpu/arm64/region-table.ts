// SPDX-License-Identifier: MIT
// The table that the CPU's module imports: regions by index. Empty when nothing is
// translated.

/**
 * A WebAssembly.Table: not all type definitions with which users compile have that type.
 */
export interface RegionTable {
  readonly length: number;
  get(index: number): unknown;
  grow(by: number, value?: unknown): number;
  set(index: number, value?: unknown): void;
}

/** The smallest table that the module allows. */
export function createRegionTable(): RegionTable {
  return new WebAssembly.Table({ element: 'anyfunc', initial: 1 });
}
