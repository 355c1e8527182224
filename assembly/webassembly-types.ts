// SPDX-License-Identifier: MIT
// The types of WebAssembly's JavaScript interface that the package's declarations use,
// for projects without a DOM library, such as those for Node.js alone. Where a library
// declares them, the library's types apply, and the types below are empty or identical.

/** Present where the DOM's library, or the one for workers, is. */
type DomGlobals = { onmessage: unknown };
type Unless<Library, Ours> = typeof globalThis extends Library ? object : Ours;

/** A memory, reduced to what the package uses. */
interface OwnMemory {
  readonly buffer: ArrayBuffer;
  grow(delta: number): number;
}
type MemoryMembers = Unless<DomGlobals, OwnMemory>;
type InstanceMembers = Unless<DomGlobals, { readonly exports: Record<string, unknown> }>;

/** The constructor of a memory. Sizes are in pages of 64 KiB. */
interface OwnMemoryConstructor {
  readonly prototype: WebAssembly.Memory;
  new (descriptor: { initial: number; maximum?: number; shared?: boolean }): WebAssembly.Memory;
}
type MemoryConstructor = typeof globalThis extends {
  onmessage: unknown;
  WebAssembly: { Memory: infer Library };
}
  ? Library
  : OwnMemoryConstructor;

declare global {
  // biome-ignore lint/style/noNamespace: the library's own is one.
  namespace WebAssembly {
    interface Memory extends MemoryMembers {}
    var Memory: MemoryConstructor;
    interface Module {}
    interface Instance extends InstanceMembers {}
  }
}

/**
 * `WebAssembly.Memory`, for a file that imports nothing else that declares these types.
 */
export type WasmMemory = WebAssembly.Memory;
/**
 * Imports of a module, by module and name. Where the DOM library is present,
 * instantiation accepts them as `WebAssembly.Imports`.
 */
export type WasmImports = Record<string, Record<string, unknown>>;
