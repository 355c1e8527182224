// SPDX-License-Identifier: MIT
// The regions of a machine: code that its vCPUs find hot becomes WebAssembly functions,
// which they call directly. All of it is discarded when the record pool is emptied.

import {
  ARM64_PAGE_CODE,
  ARM64_PAGE_GENERATION,
  ARM64_POOL_TABLE,
  ARM64_RECORD_SIZE,
} from '../../../../assembly/layout/arm64-records.ts';
import {
  ARM64_ENTRY_FUNCTION,
  ARM64_ENTRY_LONGEST,
  ARM64_ENTRY_NUMBER,
  ARM64_ENTRY_SIZE,
} from '../../../../assembly/layout/arm64-regions.ts';
import {
  ARM64_HOT_COUNT,
  ARM64_HOT_LIST,
  ARM64_SAMPLE_DISTANCE,
  ARM64_SAMPLE_EVERY,
  ARM64_SAMPLE_THRESHOLD,
} from '../../../../assembly/layout/arm64-state.ts';
import type { Arm64Exports, MemoryRegion } from '../../../../assembly/load.ts';
import type { Arm64Block } from '../arm64-block.ts';
import type { RegionTable } from '../region-table.ts';
import {
  type Discovery,
  discover,
  isIndirect,
  type RegionLimits,
  type Source,
} from './discover.ts';
import { indexOf, PAGE_SIZE, pageOf, recordOf } from './places.ts';
import { RecordSpace } from './record-space.ts';
import type { RegionPage } from './region-code.ts';
import { translate } from './translate-region.ts';
import { moduleOf } from './wasm-writer.ts';

/** Maximum number of regions of a machine: with more, all are discarded. */
const MOST_REGIONS = 8192;
/** Maximum number of regions that are created at once: the others become hot again. */
const MOST_AT_ONCE = 16;
const MOST_OF_PAGE = 128;
/** Maximum number of pages of a region: it checks each of them after an ISB. */
const MOST_PAGES = 32;
/** Size in bytes of what an indirect branch notes. */
const NOTE_SIZE = 8;
const LIMITS: RegionLimits = { most: 600, grow: 400 };

/** The criterion for hot code. */
interface Heat {
  /** Instructions between two samples. */
  readonly every: number;
  /** Number of samples of one branch target. */
  readonly threshold: number;
}

/**
 * A place that has been branched to some 50,000 times: the optimising compiler takes as
 * long for it as the interpreter for as many iterations.
 */
const HEAT: Heat = { every: 2000, threshold: 256 };

const EAGER: Heat = { every: 1, threshold: 1 };

/** Dependencies of `Arm64Regions`. */
export interface Arm64RegionsOptions {
  readonly memory: WebAssembly.Memory;
  /** The table that the CPU's module imports; it is grown as needed. */
  readonly table: RegionTable;
  /** Byte offset of the record pool. */
  readonly pool: number;
  readonly ram: Pick<MemoryRegion, 'offset' | 'size'>;
  readonly exports: Pick<Arm64Exports, 'entryOf' | 'placeEntry'>;
  /**
   * Number of translations for one page after which it gets no more, until all regions
   * are discarded. Default 128.
   */
  readonly mostOfPage?: number;
  /** Regions contain only code that has been executed before. Default true. */
  readonly executedOnly?: boolean;
  /** Nearly all code is hot. Default false. */
  readonly eager?: boolean;
}

/** An existing region: its entries, and the starts of its blocks. */
interface Region {
  readonly entries: readonly number[];
  readonly places: ReadonlySet<number>;
  /** Where its indirect branches note their targets. */
  readonly notes: readonly number[];
}

interface Page {
  readonly regions: Region[];
  made: number;
}

/** A region whose function is not compiled yet: its index in the table, and its body. */
interface Made {
  readonly index: number;
  readonly body: Uint8Array;
}

export class Arm64Regions {
  readonly #options: Arm64RegionsOptions;
  readonly #words: Uint32Array;
  readonly #pages = new Map<number, Page>();
  /** Where an indirect branch notes its target, by the address of its record. */
  readonly #notes = new Map<number, number>();
  #count = 0;
  readonly #space: RecordSpace;

  constructor(options: Arm64RegionsOptions) {
    this.#options = options;
    this.#words = new Uint32Array(options.memory.buffer);
    this.#space = new RecordSpace(this.#words, options.pool);
    options.table.grow(MOST_REGIONS - options.table.length);
  }

  /** Number of existing regions. */
  get count(): number {
    return this.#count;
  }

  /** Makes a vCPU report hot code; called after its reset. */
  watch(block: Arm64Block): void {
    const { every, threshold } = this.#options.eager ? EAGER : HEAT;
    block.setWord(ARM64_SAMPLE_EVERY, ARM64_RECORD_SIZE * every);
    block.setWord(ARM64_SAMPLE_DISTANCE, ARM64_RECORD_SIZE * every);
    block.setWord(ARM64_SAMPLE_THRESHOLD, threshold);
  }

  /** The record pool was emptied: no record leads to a region any more. */
  reset(): void {
    for (let i = 0; i < this.#count; i++) this.#options.table.set(i, null);
    this.#pages.clear();
    this.#notes.clear();
    this.#count = 0;
    this.#space.reset();
  }

  /**
   * Translates the code that a vCPU has found hot. Called between two runs of it.
   * @returns false when there is no space: the record pool has to be emptied.
   */
  translateHot(block: Arm64Block): boolean {
    const hot = block.word(ARM64_HOT_COUNT);
    if (hot === 0) return true;
    block.setWord(ARM64_HOT_COUNT, 0);
    const made: Made[] = [];
    let isRoom = true;
    for (let i = 0; isRoom && i < Math.min(hot, MOST_AT_ONCE); i++) {
      const entry = ARM64_HOT_LIST + 8 * i;
      const [record, base] = [block.word(entry), block.word(entry + 4)];
      const one = this.#make(base, (record - base) / ARM64_RECORD_SIZE);
      if (one === 'full') isRoom = false;
      else if (one) made.push(one);
    }
    this.#install(made);
    return isRoom;
  }

  /**
   * Translates the code reachable from one place.
   * @param base Address of the page's first record.
   * @param place Instructions in the page.
   * @returns false when there is no space.
   */
  translateAt(base: number, place: number): boolean {
    const made = this.#make(base, place);
    if (made === 'full') return false;
    if (made) this.#install([made]);
    return true;
  }

  #word(address: number): number {
    return this.#words[address >>> 2] ?? 0;
  }

  #setWord(address: number, value: number): void {
    this.#words[address >>> 2] = value;
  }

  /**
   * The page at a distance from another one in RAM, if something of it has been executed.
   * A guest need not have mapped them like that; in this case the region detects it.
   */
  #pageBehind(base: number, distance: number): RegionPage | undefined {
    const { pool, ram } = this.#options;
    const page = (this.#word(base - ARM64_PAGE_CODE) - ram.offset) / PAGE_SIZE + distance;
    if (page < 0 || page >= ram.size / PAGE_SIZE) return undefined;
    const there = distance === 0 ? base : this.#word(pool + ARM64_POOL_TABLE + 4 * page);
    if (there === 0) return undefined;
    return { base: there, generation: this.#word(there - ARM64_PAGE_GENERATION) };
  }

  /** The instructions around a page, and the pages that have been read. */
  #sourceOf(base: number): Source & { readonly pages: Map<number, RegionPage> } {
    const pages = new Map<number, RegionPage>();
    const absent = new Set<number>();
    const { executedOnly = true } = this.#options;
    return {
      pages,
      wordAt: (place) => {
        const distance = pageOf(place);
        if (absent.has(distance)) return undefined;
        const isRoom = pages.size < MOST_PAGES;
        const page = pages.get(distance) ?? (isRoom ? this.#pageBehind(base, distance) : undefined);
        if (!page) {
          absent.add(distance);
          return undefined;
        }
        pages.set(distance, page);
        const isExecuted = this.#word(recordOf(page.base, place)) !== 0;
        if (executedOnly && !isExecuted) return undefined;
        return this.#word(this.#word(page.base - ARM64_PAGE_CODE) + 4 * indexOf(place));
      },
      targetOf: (place) => {
        const page = pages.get(pageOf(place));
        const note = page && this.#notes.get(recordOf(page.base, place));
        const noted = note === undefined ? undefined : this.#noted(note);
        return noted === undefined ? undefined : place + noted;
      },
    };
  }

  /**
   * The distance in instructions from a branch to the target that it has noted; undefined
   * if there is none, or none that a region can contain.
   */
  #noted(note: number): number | undefined {
    const [low, high] = [this.#word(note) | 0, this.#word(note + 4) | 0];
    return low === 0 || low % 4 !== 0 || high !== low >> 31 ? undefined : low / 4;
  }

  /** The page, after removing the regions to which nothing leads any more. */
  #livePage(base: number): Page {
    const known = this.#pages.get(base) ?? { regions: [], made: 0 };
    const isThere = ({ entries }: Region) =>
      entries.every((at) => this.#options.exports.entryOf(base + ARM64_RECORD_SIZE * at) !== 0);
    const page = { regions: known.regions.filter(isThere), made: known.made };
    this.#pages.set(base, page);
    return page;
  }

  /**
   * A region that is entered at a place, or the surrounding one rebuilt with that entry.
   * Undefined when there is nothing to gain.
   */
  #make(base: number, place: number): Made | 'full' | undefined {
    const page = this.#livePage(base);
    if (page.made >= (this.#options.mostOfPage ?? MOST_OF_PAGE)) return undefined;
    const around = page.regions.filter(({ places }) => places.has(place));
    const entered = around.filter(({ entries }) => entries.includes(place));
    // It is made anew when its branches have noted targets that it does not contain yet.
    const isTarget = (note: number) => this.#noted(note) !== undefined;
    const hasNoted = entered.some(({ notes }) => notes.some(isTarget));
    if (entered.length > 0 && !hasNoted) return undefined;
    const source = this.#sourceOf(base);
    let discovery = discover(source, [place], LIMITS);
    const [step] = discovery.blocks.get(place)?.steps ?? [];
    if (!step || step.kind === 'leave') return undefined;
    let replaced = entered;
    if (around.length > 0) {
      const entries = [place, ...around.flatMap((region) => region.entries)];
      const together = discover(source, entries, LIMITS);
      if (entries.every((entry) => together.entries.includes(entry))) {
        discovery = together;
        replaced = around;
      }
    }
    for (const region of replaced) page.regions.splice(page.regions.indexOf(region), 1);
    const { entries, instructions, blocks } = discovery;
    const at = this.#space.allocate(entries.length * ARM64_ENTRY_SIZE);
    const notes = this.#notesOf(discovery, source.pages);
    if (at === 0 || !notes || this.#count === MOST_REGIONS) return 'full';
    page.made++;
    page.regions.push({ entries, places: new Set(blocks.keys()), notes: [...notes.values()] });
    const used = new Set([...blocks.keys()].map(pageOf));
    const pages = new Map([...source.pages].filter(([distance]) => used.has(distance)));
    const body = translate(discovery, { pages, longest: instructions, notes });
    const index = this.#count++;
    this.#place(base, discovery, at, index);
    return { index, body };
  }

  /** Makes records lead to a region whose first entry is at an address. */
  #place(base: number, { entries, instructions }: Discovery, at: number, index: number): void {
    entries.forEach((place, number) => {
      const entry = at + number * ARM64_ENTRY_SIZE;
      this.#setWord(entry + ARM64_ENTRY_FUNCTION, index);
      this.#setWord(entry + ARM64_ENTRY_NUMBER, number);
      this.#setWord(entry + ARM64_ENTRY_LONGEST, ARM64_RECORD_SIZE * instructions);
      this.#options.exports.placeEntry(base, 4 * place, entry);
    });
  }

  /**
   * Where the indirect branches of a region note their targets, if those are not known;
   * undefined when there is no space.
   */
  #notesOf({ blocks }: Discovery, pages: ReadonlyMap<number, RegionPage>) {
    const notes = new Map<number, number>();
    for (const { start, steps } of blocks.values()) {
      const last = steps.at(-1);
      if (!isIndirect(last) || last.target !== undefined) continue;
      const place = start + steps.length - 1;
      const record = recordOf(pages.get(pageOf(place))?.base ?? 0, place);
      const note = this.#notes.get(record) ?? this.#space.allocate(NOTE_SIZE);
      if (note === 0) return undefined;
      this.#notes.set(record, note);
      notes.set(place, note);
    }
    return notes;
  }

  /** Compiles functions, in one module. */
  #install(made: readonly Made[]): void {
    if (made.length === 0) return;
    const { memory, table } = this.#options;
    const module = new WebAssembly.Module(moduleOf(made.map(({ body }) => body)));
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    made.forEach(({ index }, i) => {
      table.set(index, instance.exports[String(i)]);
    });
  }
}
