// SPDX-License-Identifier: MIT
// A reader of device tree blobs, written from the Devicetree Specification, not from the
// writer.

export interface ReadNode {
  readonly properties: ReadonlyMap<string, Uint8Array>;
  readonly nodes: ReadonlyMap<string, ReadNode>;
}

const latin = (bytes: Uint8Array) => String.fromCharCode(...bytes);

export function readDeviceTree(blob: Uint8Array): ReadNode {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length);
  const word = (at: number) => view.getUint32(at);
  if (word(0) !== 0xd00dfeed || word(4) !== blob.length) throw new Error('no blob');
  const end = (at: number) => blob.indexOf(0, at);
  const strings = word(12);
  let at = word(8);
  const node = (): ReadNode => {
    const properties = new Map<string, Uint8Array>();
    const nodes = new Map<string, ReadNode>();
    for (;;) {
      const token = word(at);
      at += 4;
      if (token === 2) return { properties, nodes };
      if (token === 3) {
        const length = word(at);
        const name = strings + word(at + 4);
        properties.set(
          latin(blob.subarray(name, end(name))),
          blob.subarray(at + 8, at + 8 + length),
        );
        at += 8 + Math.ceil(length / 4) * 4;
      } else if (token === 1) {
        if (properties.size === 0 && nodes.size > 0) throw new Error('a property after a node');
        const stop = end(at);
        const name = latin(blob.subarray(at, stop));
        at = Math.ceil((stop + 1) / 4) * 4;
        nodes.set(name, node());
      } else throw new Error(`token ${token} at ${at}`);
    }
  };
  if (word(at) !== 1 || word(at + 4) !== 0) throw new Error('no root');
  at += 8;
  const root = node();
  if (word(at) !== 9 || at + 4 !== word(8) + word(36)) throw new Error('no end');
  return root;
}

/** The node at a path: "/cpus/cpu@0". */
export function nodeAt(root: ReadNode, path: string): ReadNode {
  let found = root;
  for (const name of path.split('/').filter(Boolean)) {
    const next = found.nodes.get(name);
    if (!next) throw new Error(`no node ${name} of ${path}: ${[...found.nodes.keys()].join(' ')}`);
    found = next;
  }
  return found;
}

/** A property as cells. */
export function cellsOf(node: ReadNode, property: string): readonly number[] {
  const bytes = node.properties.get(property);
  if (!bytes) throw new Error(`no property ${property}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i));
}

/** A property as strings. */
export function stringsOf(node: ReadNode, property: string): readonly string[] {
  const bytes = node.properties.get(property);
  if (!bytes) throw new Error(`no property ${property}`);
  return latin(bytes).replace(/\0$/, '').split('\0');
}
