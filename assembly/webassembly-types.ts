// SPDX-License-Identifier: MIT
// The types of WebAssembly's JavaScript interface that the package's declarations name, for
// projects that have no DOM library, such as those for Node.js alone. Where a library declares
// them, its own are meant: what stands here is then empty, or the very same.

/** What says that the DOM's library, or the one for workers, is there. */
type DomGlobals = { onmessage: unknown };
type Unless<Library, Ours> = typeof globalThis extends Library ? object : Ours;

/** A memory, as far as the package uses it. */
interface OwnMemory {
  readonly buffer: ArrayBuffer;
  grow(delta: number): number;
}
type MemoryMembers = Unless<DomGlobals, OwnMemory>;
type InstanceMembers = Unless<DomGlobals, { readonly exports: Record<string, unknown> }>;

/** What makes a memory. Sizes are in pages of 64 KiB. */
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

/** `WebAssembly.Memory`, for a file that names nothing else that brings the types along. */
export type WasmMemory = WebAssembly.Memory;
/**
 * Imports of a module, by the module and the name that it asks for: what is instantiated
 * with them, where DOM is, takes them as `WebAssembly.Imports`.
 */
export type WasmImports = Record<string, Record<string, unknown>>;
