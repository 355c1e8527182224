// SPDX-License-Identifier: MIT
// A view of an ITS's tables in RAM and its GIC's LPIs, for debugging the software that
// wrote them. Nothing is changed or trusted; the hot code is
// assembly/gicv3/its-tables.ts.

import {
  GIC_AT_ITS_BASER0,
  GIC_AT_ITS_BASER1,
  GIC_AT_ITS_CBASER,
  GIC_AT_ITS_CREADR,
  GIC_AT_ITS_CTLR,
  GIC_AT_ITS_CWRITER,
  GIC_AT_ITS_ERROR,
  GIC_AT_ITS_ERRORS,
  GIC_AT_LPIS,
  GIC_AT_RAM,
  GIC_AT_RAM_GPA,
  GIC_AT_RAM_SIZE,
  GIC_AT_VCPUS,
  GIC_CPU_LPIS_ENABLED,
  GIC_CPU_PENDBASER,
  GIC_CPU_PROPBASER,
  GIC_CPU_SIZE,
  GIC_CPUS,
  GIC_FIRST_LPI,
  GIC_INT_ENABLED,
  GIC_INT_LATCH,
  GIC_INT_PRIORITY,
  GIC_INT_PRIORITY_SHIFT,
  GIC_INT_TARGET_SHIFT,
  GIC_LPIS,
} from '../../assembly/layout/gic-memory.ts';
import {
  GIC_PRIORITY_BITS,
  GICR_PROPBASER_IDBITS,
  LPI_CONFIG_ENABLE,
} from '../../assembly/layout/gic-registers.ts';
import {
  ITS_DEVICE_EVENT_BITS,
  ITS_EVENT_COLLECTION_SHIFT,
  ITS_ID_BITS,
} from '../../assembly/layout/its-formats.ts';
import {
  GITS_BASER_INDIRECT_HI,
  GITS_BASER_PAGE_64K,
  GITS_BASER_PAGE_SHIFT,
  GITS_BASER_PAGE_SIZE,
  GITS_CTLR_ENABLED,
  GITS_PAGES,
  GITS_VALID_HI,
} from '../../assembly/layout/its-registers.ts';

/** A device or collection table. */
export interface InspectedItsTable {
  readonly valid: boolean;
  readonly address: number;
  readonly pages: number;
  readonly pageSize: number;
  /** True when it has two levels. */
  readonly indirect: boolean;
}

/** Enable and priority of an LPI. */
interface LpiConfiguration {
  readonly enabled: boolean;
  readonly priority: number;
}

export interface InspectedLpi extends LpiConfiguration {
  readonly intid: number;
  readonly pending: boolean;
  /** The vCPU on which it is pending, or was last. */
  readonly target: number;
  /** Its byte of the configuration table; undefined when there is none. */
  readonly table: LpiConfiguration | undefined;
}

export interface InspectedItsEvent {
  readonly event: number;
  readonly collection: number;
  /** The vCPU of its collection; undefined when that is not mapped. */
  readonly vcpu: number | undefined;
  /** Undefined when its INTID is not an LPI's. */
  readonly lpi: InspectedLpi | undefined;
  readonly intid: number;
}

export interface InspectedItsDevice {
  readonly device: number;
  /** Number of events that fit in its table. */
  readonly room: number;
  /** Address of that table. */
  readonly address: number;
  readonly events: readonly InspectedItsEvent[];
}

/** The LPI registers of a vCPU's redistributor. */
export interface InspectedRedistributor {
  readonly enabled: boolean;
  /** Number of INTID bits. */
  readonly idBits: number;
  readonly configuration: number;
  readonly pending: number;
}

export interface InspectedIts {
  readonly enabled: boolean;
  readonly queue: {
    readonly valid: boolean;
    readonly address: number;
    readonly size: number;
    readonly creadr: number;
    readonly cwriter: number;
  };
  /** Number of commands in error, and the error code of the last. */
  readonly errors: { readonly count: number; readonly last: number };
  readonly deviceTable: InspectedItsTable;
  readonly collectionTable: InspectedItsTable;
  readonly collections: readonly { readonly collection: number; readonly vcpu: number }[];
  readonly devices: readonly InspectedItsDevice[];
  readonly redistributors: readonly InspectedRedistributor[];
  /** The tables have more entries than were read. */
  readonly cut: boolean;
}

/**
 * Maximum number of entries read in all: software could set up tables with 2^32 events.
 */
const MOST_ENTRIES = 2 ** 19;
/** Maximum number of mapped events among them. */
const MOST_EVENTS = 4096;
const ENTRY = 8;
const VALID = 1n << 63n;
const PAGE_ADDRESS = 0x000ffffffffff000n;
const EVENTS_ADDRESS = 0x000fffffffffff00n;
const PENDING_ADDRESS = 0x000fffffffff0000n;

class ItsReader {
  readonly #view: DataView;
  readonly #at: number;
  #left = MOST_ENTRIES;
  #eventsLeft = MOST_EVENTS;

  constructor(memory: WebAssembly.Memory, at: number) {
    this.#view = new DataView(memory.buffer);
    this.#at = at;
  }

  get isCut(): boolean {
    return this.#left < 0 || this.#eventsLeft < 0;
  }

  word(offset: number): number {
    return this.#view.getUint32(this.#at + offset, true);
  }

  wide(offset: number): bigint {
    return this.#view.getBigUint64(this.#at + offset, true);
  }

  /**
   * Offset in the memory of `size` bytes of RAM; undefined unless all of them are RAM.
   */
  #ram(gpa: bigint, size: number): number | undefined {
    const inRam = gpa - BigInt(this.word(GIC_AT_RAM_GPA));
    if (inRam < 0n || inRam + BigInt(size) > BigInt(this.word(GIC_AT_RAM_SIZE))) return undefined;
    return this.word(GIC_AT_RAM) + Number(inRam);
  }

  /** A valid entry; 0 for any other. */
  #entry(gpa: bigint): bigint {
    if (this.#left-- < 0) return 0n;
    const at = this.#ram(gpa, ENTRY);
    const entry = at === undefined ? 0n : this.#view.getBigUint64(at, true);
    return entry & VALID ? entry : 0n;
  }

  /** Valid entries of a table from an address on, with their indices. */
  *#valid(gpa: bigint, count: number): Generator<readonly [index: number, entry: bigint]> {
    for (let i = 0; i < count && this.#left >= 0; i++) {
      const entry = this.#entry(gpa + BigInt(ENTRY * i));
      if (entry !== 0n) yield [i, entry];
    }
  }

  /** Valid entries of a device or collection table. */
  *#entries(table: InspectedItsTable): Generator<readonly [index: number, entry: bigint]> {
    if (!table.valid) return;
    const { pageSize, indirect } = table;
    const room = (table.pages * pageSize) / ENTRY;
    const most = 2 ** ITS_ID_BITS;
    if (!indirect) {
      yield* this.#valid(BigInt(table.address), Math.min(room, most));
      return;
    }
    const perPage = pageSize / ENTRY;
    const pages = this.#valid(BigInt(table.address), Math.min(room, most / perPage));
    for (const [page, entry] of pages) {
      const second = entry & PAGE_ADDRESS & ~BigInt(pageSize - 1);
      for (const [i, one] of this.#valid(second, perPage)) yield [page * perPage + i, one];
    }
  }

  table(register: number): InspectedItsTable {
    const lo = this.word(register);
    const hi = this.word(register + 4);
    const pageSize =
      0x1000 << (2 * Math.min((lo & GITS_BASER_PAGE_SIZE) >> GITS_BASER_PAGE_SHIFT, 2));
    const isLarge = (lo & GITS_BASER_PAGE_SIZE) >= GITS_BASER_PAGE_64K;
    const wide = this.wide(register);
    const address = isLarge
      ? (wide & 0x0000ffffffff0000n) | ((wide & 0xf000n) << 36n)
      : wide & 0x0000fffffffff000n;
    return {
      valid: (hi & GITS_VALID_HI) !== 0,
      address: Number(address),
      pages: (lo & GITS_PAGES) + 1,
      pageSize,
      indirect: (hi & GITS_BASER_INDIRECT_HI) !== 0,
    };
  }

  collections(table: InspectedItsTable): ReadonlyMap<number, number> {
    const found = new Map<number, number>();
    for (const [collection, entry] of this.#entries(table)) {
      const vcpu = Number(BigInt.asUintN(32, entry));
      if (vcpu < this.word(GIC_AT_VCPUS)) found.set(collection, vcpu);
    }
    return found;
  }

  #lpi(intid: number, vcpu: number | undefined): InspectedLpi | undefined {
    if (intid < GIC_FIRST_LPI || intid >= GIC_FIRST_LPI + GIC_LPIS) return undefined;
    const word = this.#view.getUint32(this.word(GIC_AT_LPIS) + 4 * (intid - GIC_FIRST_LPI), true);
    return {
      intid,
      enabled: (word & GIC_INT_ENABLED) !== 0,
      priority: (word & GIC_INT_PRIORITY) >>> GIC_INT_PRIORITY_SHIFT,
      pending: (word & GIC_INT_LATCH) !== 0,
      target: word >>> GIC_INT_TARGET_SHIFT,
      table: vcpu === undefined ? undefined : this.#configured(intid, vcpu),
    };
  }

  #configured(intid: number, vcpu: number): LpiConfiguration | undefined {
    const { configuration, idBits } = this.redistributor(vcpu);
    if (intid >= 2 ** idBits) return undefined;
    const at = this.#ram(BigInt(configuration + intid - GIC_FIRST_LPI), 1);
    if (at === undefined) return undefined;
    const byte = this.#view.getUint8(at);
    return { enabled: (byte & LPI_CONFIG_ENABLE) !== 0, priority: byte & GIC_PRIORITY_BITS };
  }

  *devices(
    table: InspectedItsTable,
    collections: ReadonlyMap<number, number>,
  ): Generator<InspectedItsDevice> {
    for (const [device, entry] of this.#entries(table)) {
      if (this.#eventsLeft < 0) return;
      const bits = Number(entry & BigInt(ITS_DEVICE_EVENT_BITS)) + 1;
      const room = 2 ** Math.min(bits, ITS_ID_BITS);
      const address = entry & EVENTS_ADDRESS;
      const events: InspectedItsEvent[] = [];
      for (const [event, mapped] of this.#valid(address, room)) {
        if (this.#eventsLeft-- <= 0) break;
        const intid = Number(BigInt.asUintN(32, mapped));
        const collection = Number(mapped >> BigInt(ITS_EVENT_COLLECTION_SHIFT)) & 0xffff;
        const vcpu = collections.get(collection);
        events.push({ event, collection, vcpu, intid, lpi: this.#lpi(intid, vcpu) });
      }
      yield { device, room, address: Number(address), events };
    }
  }

  redistributor(vcpu: number): InspectedRedistributor {
    const block = GIC_CPUS + vcpu * GIC_CPU_SIZE;
    const properties = this.wide(block + GIC_CPU_PROPBASER);
    return {
      enabled: this.word(block + GIC_CPU_LPIS_ENABLED) !== 0,
      idBits: Math.min(Number(properties & BigInt(GICR_PROPBASER_IDBITS)) + 1, 16),
      configuration: Number(properties & PAGE_ADDRESS),
      pending: Number(this.wide(block + GIC_CPU_PENDBASER) & PENDING_ADDRESS),
    };
  }

  queue(): InspectedIts['queue'] {
    const base = this.wide(GIC_AT_ITS_CBASER);
    return {
      valid: (base & VALID) !== 0n,
      address: Number(base & PAGE_ADDRESS),
      size: 0x1000 * ((this.word(GIC_AT_ITS_CBASER) & GITS_PAGES) + 1),
      creadr: this.word(GIC_AT_ITS_CREADR),
      cwriter: this.word(GIC_AT_ITS_CWRITER),
    };
  }
}

/**
 * Inspects an ITS and everything mapped in its tables.
 * @param at byte offset of its GIC's block in the memory.
 */
export function inspectIts(memory: WebAssembly.Memory, at: number): InspectedIts {
  const reader = new ItsReader(memory, at);
  const collectionTable = reader.table(GIC_AT_ITS_BASER1);
  const deviceTable = reader.table(GIC_AT_ITS_BASER0);
  const collections = reader.collections(collectionTable);
  const devices = [...reader.devices(deviceTable, collections)];
  return {
    enabled: (reader.word(GIC_AT_ITS_CTLR) & GITS_CTLR_ENABLED) !== 0,
    queue: reader.queue(),
    errors: { count: reader.word(GIC_AT_ITS_ERRORS), last: reader.word(GIC_AT_ITS_ERROR) },
    deviceTable,
    collectionTable,
    collections: [...collections].map(([collection, vcpu]) => ({ collection, vcpu })),
    devices,
    redistributors: Array.from({ length: reader.word(GIC_AT_VCPUS) }, (_, vcpu) =>
      reader.redistributor(vcpu),
    ),
    cut: reader.isCut,
  };
}
