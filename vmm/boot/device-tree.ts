// SPDX-License-Identifier: MIT
// Device trees as nodes and properties, and the flattened form for a kernel: version 17
// of the Devicetree Specification, chapter 5. Everything in a blob is big-endian.

/** A cell that refers to a node: its value is the node's phandle. */
export interface NodeReference {
  /** `DeviceTreeNode.label` of the node. */
  readonly label: string;
}

/** A 32-bit cell of a property. */
export type Cell = number | NodeReference;

/** Value of a property: empty (`true`), NUL-terminated strings, cells, or bytes. */
export type PropertyValue = true | string | readonly string[] | readonly Cell[] | Uint8Array;

/** A node of a device tree. */
export interface DeviceTreeNode {
  /** Including the unit address, "pl011@9000000"; the root's is empty. */
  readonly name: string;
  /**
   * Label for references from properties of other nodes. The node then has a `phandle`.
   */
  readonly label?: string;
  readonly properties: Readonly<Record<string, PropertyValue>>;
  readonly nodes?: readonly DeviceTreeNode[];
}

/** Linux maps this size for a blob, and refuses larger ones (arch/arm64 booting.rst). */
export const MAX_DEVICE_TREE_SIZE = 0x200000;

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const LAST_COMPATIBLE_VERSION = 16;
const HEADER_SIZE = 40;
/**
 * One entry of two 64-bit zeros ends the memory reservation block, which is otherwise
 * empty.
 */
const RESERVATIONS_SIZE = 16;

const FDT_BEGIN_NODE = 1;
const FDT_END_NODE = 2;
const FDT_PROP = 3;
const FDT_END = 9;

/** A number of up to 53 bits as two cells, the high one first. */
export function cells64(value: number): readonly [number, number] {
  return [Math.floor(value / 2 ** 32), value % 2 ** 32];
}

/** A growing byte buffer with the words and strings of the structure block. */
class ByteWriter {
  #bytes = new Uint8Array(0x1000);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes written so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  word(value: number): void {
    this.append([value >>> 24, value >>> 16, value >>> 8, value]);
  }

  append(bytes: ArrayLike<number>): void {
    const end = this.#length + bytes.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = end;
  }

  /** Pads with zeros to a multiple of 4 bytes. */
  align(): void {
    this.append(new Uint8Array(-this.#length & 3));
  }
}

const encoder = new TextEncoder();

/** @throws {RangeError} when the text contains a NUL, which would end it early. */
function terminated(text: string): Uint8Array {
  if (text.includes('\0')) throw new RangeError('a string of a device tree contains a NUL');
  return encoder.encode(`${text}\0`);
}

function isStrings(value: readonly string[] | readonly Cell[]): value is readonly string[] {
  return typeof value[0] === 'string';
}

/** The phandles of labelled nodes, counted from 1 in tree order. */
function phandlesOf(root: DeviceTreeNode): ReadonlyMap<string, number> {
  const phandles = new Map<string, number>();
  const visit = ({ label, nodes = [] }: DeviceTreeNode) => {
    if (label !== undefined) {
      if (phandles.has(label)) throw new RangeError(`two nodes have the label "${label}"`);
      phandles.set(label, phandles.size + 1);
    }
    nodes.forEach(visit);
  };
  visit(root);
  return phandles;
}

/** The structure and strings blocks of one blob. */
class Flattener {
  readonly structure = new ByteWriter();
  readonly strings = new ByteWriter();
  readonly #nameOffsets = new Map<string, number>();
  readonly #phandles: ReadonlyMap<string, number>;

  constructor(root: DeviceTreeNode) {
    this.#phandles = phandlesOf(root);
    this.#node(root);
    this.structure.word(FDT_END);
  }

  #node({ name, label, properties, nodes = [] }: DeviceTreeNode): void {
    if (new Set(nodes.map((node) => node.name)).size !== nodes.length)
      throw new RangeError(`two nodes below "${name}" have the same name`);
    this.structure.word(FDT_BEGIN_NODE);
    this.structure.append(terminated(name));
    this.structure.align();
    for (const [property, value] of Object.entries(properties)) this.#property(property, value);
    if (label !== undefined) this.#property('phandle', [{ label }]);
    for (const node of nodes) this.#node(node);
    this.structure.word(FDT_END_NODE);
  }

  #property(name: string, value: PropertyValue): void {
    const bytes = this.#valueBytes(value);
    this.structure.word(FDT_PROP);
    this.structure.word(bytes.length);
    this.structure.word(this.#nameOffset(name));
    this.structure.append(bytes);
    this.structure.align();
  }

  #valueBytes(value: PropertyValue): ArrayLike<number> {
    if (value === true) return [];
    if (value instanceof Uint8Array) return value;
    if (typeof value === 'string') return terminated(value);
    if (isStrings(value)) return value.flatMap((text) => [...terminated(text)]);
    const writer = new ByteWriter();
    for (const cell of value) writer.word(typeof cell === 'number' ? cell : this.#phandle(cell));
    return writer.bytes;
  }

  #phandle({ label }: NodeReference): number {
    const phandle = this.#phandles.get(label);
    if (phandle === undefined) throw new RangeError(`no node has the label "${label}"`);
    return phandle;
  }

  #nameOffset(name: string): number {
    const known = this.#nameOffsets.get(name);
    if (known !== undefined) return known;
    const offset = this.strings.length;
    this.#nameOffsets.set(name, offset);
    this.strings.append(terminated(name));
    return offset;
  }
}

/**
 * Flattens a device tree. The blob has to be aligned to 8 bytes.
 * @throws {RangeError} when the blob would be larger than `MAX_DEVICE_TREE_SIZE`, a
 *   reference names no node, two nodes have the same label or path, or a string contains
 *   a NUL.
 */
export function flattenDeviceTree(root: DeviceTreeNode): Uint8Array<ArrayBuffer> {
  const { structure, strings } = new Flattener(root);
  const structureOffset = HEADER_SIZE + RESERVATIONS_SIZE;
  const stringsOffset = structureOffset + structure.length;
  const size = stringsOffset + strings.length;
  if (size > MAX_DEVICE_TREE_SIZE)
    throw new RangeError(`a device tree has at most ${MAX_DEVICE_TREE_SIZE} bytes, not ${size}`);
  const header = [
    MAGIC,
    size,
    structureOffset,
    stringsOffset,
    HEADER_SIZE,
    VERSION,
    LAST_COMPATIBLE_VERSION,
    0, // the boot CPU's `reg`
    strings.length,
    structure.length,
  ];
  const blob = new Uint8Array(size);
  const view = new DataView(blob.buffer);
  header.forEach((word, i) => {
    view.setUint32(4 * i, word);
  });
  blob.set(structure.bytes, structureOffset);
  blob.set(strings.bytes, stringsOffset);
  return blob;
}
