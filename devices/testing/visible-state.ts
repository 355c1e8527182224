// SPDX-License-Identifier: MIT
// The externally visible state of an object as a list of paths and values: two devices in
// the same state have equal lists.

/** Path of each value reachable through own properties, and the value. */
export type VisibleState = ReadonlyMap<string, string>;

function entriesOf(object: object): [string, unknown][] {
  if (object instanceof Map) return [...object].map(([key, value]) => [String(key), value]);
  if (object instanceof Set) return [...object].map((value, i) => [String(i), value]);
  return Object.entries(object);
}

function isOutside(value: object): boolean {
  // Memory belongs to the host, and so do views of shared memory; code has no state.
  if (
    value instanceof WebAssembly.Memory ||
    value instanceof WebAssembly.Instance ||
    value instanceof WebAssembly.Module
  )
    return true;
  return ArrayBuffer.isView(value) && !(value.buffer instanceof ArrayBuffer);
}

/**
 * Walks an object. Private fields (`#field`) and the contents of the objects in `outside`
 * are skipped.
 */
export function visibleState(root: object, outside: readonly object[] = []): VisibleState {
  const found = new Map<string, string>();
  const seen = new Set<object>(outside);
  const visit = (path: string, value: unknown) => {
    if (typeof value === 'function') return;
    if (typeof value !== 'object' || value === null) {
      found.set(path, `${typeof value} ${String(value)}`);
    } else if (!seen.has(value) && !isOutside(value)) {
      seen.add(value);
      for (const [name, inner] of entriesOf(value))
        visit(path === '' ? name : `${path}.${name}`, inner);
    }
  };
  visit('', root);
  return found;
}

/** Path of the first difference between two states; undefined when there is none. */
export function firstDifference(a: VisibleState, b: VisibleState): string | undefined {
  for (const path of new Set([...a.keys(), ...b.keys()])) {
    if (a.get(path) !== b.get(path))
      return `${path}: ${a.get(path) ?? 'nothing'} against ${b.get(path) ?? 'nothing'}`;
  }
  return undefined;
}
