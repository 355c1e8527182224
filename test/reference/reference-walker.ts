// SPDX-License-Identifier: MIT
// A simple model of SMMUv3 configuration and translation: BigInt, no caches, directly
// from the formats. It shares no code with the model that it checks, and imports nothing.

/** Reads an aligned 64-bit word at a PA; undefined when there is no memory. */
export type ReadPhysical = (pa: bigint) => bigint | undefined;

export interface ReferenceSmmu {
  readonly idr0: bigint;
  readonly idr1: bigint;
  readonly idr3: bigint;
  readonly idr5: bigint;
  /** CR2.E2H. */
  readonly e2h: boolean;
  readonly strtabBase: bigint;
  readonly strtabCfg: bigint;
  readonly recinvsid: boolean;
}

export interface ReferenceAccess {
  readonly sid: bigint;
  /** Undefined for none. */
  readonly ssid?: bigint;
  readonly address: bigint;
  readonly write?: boolean;
  readonly privileged?: boolean;
  readonly instruction?: boolean;
}

/**
 * The result of an access: a PA, or a refusal with its event (0 for none), and the
 * descriptors that it updates.
 */
export interface ReferenceResult {
  readonly pa?: bigint;
  readonly event: number;
  readonly stage2: boolean;
  /** 0 CD, 1 translation table, 2 input; only for walk faults. */
  readonly class?: number;
  readonly ipa?: bigint;
  readonly fetchAddress?: bigint;
  readonly updates: ReadonlyMap<bigint, bigint>;
}

const ID = {
  badStreamId: 2,
  steFetch: 3,
  badSte: 4,
  disabled: 6,
  badSubstream: 8,
  cdFetch: 9,
  badCd: 10,
  walkAbort: 11,
};
const FAULT = { translation: 0x10, addressSize: 0x11, access: 0x12, permission: 0x13 };
const SIZES = [32n, 36n, 40n, 42n, 44n, 48n, 52n, 52n];
const ADDRESS = 0x000f_ffff_ffff_ffffn;

interface Refusal {
  readonly event: number;
  readonly stage2?: boolean;
  readonly class?: number;
  readonly ipa?: bigint;
  readonly fetchAddress?: bigint;
}

class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`event ${refusal.event}`);
    this.refusal = refusal;
  }
}

const field = (word: bigint, low: number, width: number) =>
  (word >> BigInt(low)) & ((1n << BigInt(width)) - 1n);
const flag = (word: bigint, low: number) => field(word, low, 1) === 1n;

/** The same eight bytes in reverse order. */
function reversed(word: bigint): bigint {
  let result = 0n;
  for (let byte = 0; byte < 8; byte++) result = (result << 8n) | field(word, 8 * byte, 8);
  return result;
}

function refuse(refusal: Refusal): never {
  throw new Refused(refusal);
}

/**
 * Granule, as log2, of TG0 and S2TG (0 4K, 1 64K, 2 16K) or of TG1 (1 16K, 2 4K, 3 64K).
 */
function granuleOf(tg: bigint, upper: boolean): bigint | undefined {
  return (upper ? [undefined, 14n, 12n, 16n] : [12n, 16n, 14n, undefined])[Number(tg)];
}

interface Walk {
  readonly input: bigint;
  readonly inputBits: bigint;
  readonly granule: bigint;
  readonly startLevel: number;
  readonly table: bigint;
  readonly outputBits: bigint;
  /** Whether the SMMU has 52-bit addresses. */
  readonly lpa: boolean;
  /**
   * Whether CD.DS or STE.S2DS gives tables of 4 and 16 KiB granules 52-bit addresses;
   * ignored for others.
   */
  readonly ds: boolean;
  /** Reads a descriptor at a table address. */
  readonly descriptor: (address: bigint) => bigint;
  readonly fault: (event: number) => never;
}

interface Leaf {
  readonly output: bigint;
  readonly descriptor: bigint;
  readonly slot: bigint;
  /** The table descriptors of the walk. */
  readonly tables: readonly bigint[];
}

// The part that both stages have in common.
function walkTables(walk: Walk): Leaf {
  const { input, granule, outputBits } = walk;
  const tables: bigint[] = [];
  const lpa2 = walk.ds && granule !== 16n;
  // In descriptors of 64 KiB granules, bits 15 to 12 contain bits 51 to 48 of an address;
  // with DS, in others bits 9 and 8 contain bits 51 and 50, and bits 49 and 48 are in
  // place.
  const high = (descriptor: bigint) => {
    if (lpa2) return (field(descriptor, 8, 2) << 50n) | (field(descriptor, 48, 2) << 48n);
    return walk.lpa && granule === 16n ? field(descriptor, 12, 4) << 48n : 0n;
  };
  const levelsOfBlocks = () => {
    if (granule === 12n) return lpa2 ? [0, 1, 2] : [1, 2];
    return (granule === 16n ? walk.lpa : lpa2) ? [1, 2] : [2];
  };
  let table = outputBits === 52n ? walk.table & ~63n : walk.table;
  for (let level = walk.startLevel; ; level++) {
    const shift = granule + BigInt(3 - level) * (granule - 3n);
    const top = level === walk.startLevel ? walk.inputBits : shift + granule - 3n;
    if (level === walk.startLevel) table -= table % (1n << (top - shift + 3n));
    const slot = table + field(input, Number(shift), Number(top - shift)) * 8n;
    const descriptor = walk.descriptor(slot);
    const type = field(descriptor, 0, 2);
    if (type === 3n && level < 3) {
      tables.push(descriptor);
      table =
        (field(descriptor, Number(granule), 48 - Number(granule)) << granule) + high(descriptor);
      if (table >= 1n << outputBits) walk.fault(FAULT.addressSize);
      continue;
    }
    const block = type === 1n && levelsOfBlocks().includes(level);
    if (!(block || (type === 3n && level === 3))) walk.fault(FAULT.translation);
    const base = (field(descriptor, Number(shift), 48 - Number(shift)) << shift) + high(descriptor);
    if (base >= 1n << outputBits) walk.fault(FAULT.addressSize);
    return { output: base + field(input, 0, Number(shift)), descriptor, slot, tables };
  }
}

export class ReferenceWalker {
  readonly #smmu: ReferenceSmmu;
  readonly #read: ReadPhysical;
  readonly #updates = new Map<bigint, bigint>();
  readonly #access: ReferenceAccess;
  #ste: readonly bigint[] = [];
  #cd: readonly bigint[] = [];
  #stage1 = false;
  #stage2 = false;

  private constructor(smmu: ReferenceSmmu, read: ReadPhysical, access: ReferenceAccess) {
    this.#smmu = smmu;
    this.#read = read;
    // A write is data.
    this.#access = { ...access, instruction: access.instruction === true && access.write !== true };
  }

  /**
   * The result of an access with an SMMU without caches. Nothing is written: `updates`
   * lists the writes.
   */
  static translate(
    smmu: ReferenceSmmu,
    read: ReadPhysical,
    access: ReferenceAccess,
  ): ReferenceResult {
    const walker = new ReferenceWalker(smmu, read, access);
    try {
      return { pa: walker.#run(), event: 0, stage2: false, updates: walker.#updates };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { event, stage2 = false, ...rest } = error.refusal;
      return {
        ...rest,
        event: walker.#recorded(event, stage2) ? event : 0,
        stage2,
        updates: walker.#updates,
      };
    }
  }

  #recorded(event: number, stage2: boolean): boolean {
    if (event < FAULT.translation) return true;
    if (stage2) return flag(this.#ste[2] ?? 0n, 58);
    return !this.#stage1 || flag(this.#cd[0] ?? 0n, 45);
  }

  #words(pa: bigint, count: number, event: number): bigint[] {
    return Array.from(
      { length: count },
      (_, i) => this.#read(pa + BigInt(8 * i)) ?? refuse({ event, fetchAddress: pa }),
    );
  }

  #fetchSte(): readonly bigint[] {
    const { strtabBase, strtabCfg, recinvsid, idr0 } = this.#smmu;
    const { sid } = this.#access;
    const bad = () => refuse({ event: recinvsid ? ID.badStreamId : 0 });
    if (sid >= 1n << field(strtabCfg, 0, 6)) bad();
    if (field(strtabCfg, 16, 2) !== 1n || field(idr0, 27, 2) === 0n)
      return this.#words(strtabBase + sid * 64n, 8, ID.steFetch);
    const declared = field(strtabCfg, 6, 5);
    const split = declared === 8n || declared === 10n ? declared : 6n;
    const [level1 = 0n] = this.#words(strtabBase + (sid >> split) * 8n, 1, ID.steFetch);
    const span = field(level1, 0, 5);
    const index = sid % (1n << split);
    if (span === 0n || span > split + 1n || index >= 1n << (span - 1n)) bad();
    const size = 64n << (span - 1n);
    const level2 = level1 & ADDRESS;
    return this.#words(level2 - (level2 % size) + index * 64n, 8, ID.steFetch);
  }

  #granuleSupported(granule: bigint | undefined): granule is bigint {
    const bit = granule === 12n ? 4 : granule === 14n ? 5 : 6;
    return granule !== undefined && flag(this.#smmu.idr5, bit);
  }

  get #oas(): bigint {
    return SIZES[Number(field(this.#smmu.idr5, 0, 3))] ?? 0n;
  }

  get #ds(): boolean {
    return flag(this.#smmu.idr5, 7);
  }

  get #stage1Ds(): boolean {
    return this.#ds && flag(this.#cd[2] ?? 0n, 58);
  }

  get #stage2Ds(): boolean {
    return this.#ds && flag(this.#ste[3] ?? 0n, 3);
  }

  // Without DS, only 64 KiB granules have more than 48 bits.
  #outputBits(code: bigint, granule: bigint, ds: boolean): bigint {
    const limits = [SIZES[Number(code)] ?? 0n, this.#oas, granule === 16n || ds ? 52n : 48n];
    return limits.reduce((a, b) => (a < b ? a : b));
  }

  #updatesSupported(ha: boolean, hd: boolean): boolean {
    const httu = field(this.#smmu.idr0, 6, 2);
    return (!ha || httu > 0n) && (!hd || httu > 1n);
  }

  // STRW selects the translation regime if EL2 is implemented and there is no stage 2.
  get #strw(): bigint {
    const [d0 = 0n, d1 = 0n] = this.#ste;
    return flag(this.#smmu.idr0, 9) && field(d0, 1, 3) === 5n ? field(d1, 30, 2) : 0n;
  }

  get #el2(): boolean {
    return this.#strw === 2n && !this.#smmu.e2h;
  }

  get #mixedEndian(): boolean {
    return field(this.#smmu.idr0, 21, 2) === 0n;
  }

  #stage1Legal(): boolean {
    const [d0 = 0n, d1 = 0n] = this.#ste;
    const { idr0, idr1 } = this.#smmu;
    if (!flag(idr0, 1) || flag(this.#strw, 0)) return false;
    if (flag(d1, 27) && field(idr0, 24, 2) === 1n) return false;
    const cdMax = this.#cdMax();
    if (cdMax > field(idr1, 6, 5)) return false;
    const format = field(d0, 4, 2);
    // Format 3 is reserved and acts as 0.
    if (cdMax !== 0n && (format === 1n || format === 2n) && !flag(idr0, 19)) return false;
    return (d0 & ADDRESS & ~63n) < 1n << this.#oas;
  }

  // Without SubstreamIDs S1CDMax is ignored.
  #cdMax(): bigint {
    return field(this.#smmu.idr1, 6, 5) === 0n ? 0n : field(this.#ste[0] ?? 0n, 59, 5);
  }

  #stage2Shape(): { granule: bigint; inputBits: bigint; startLevel: number } | undefined {
    const d2 = this.#ste[2] ?? 0n;
    const granule = granuleOf(field(d2, 46, 2), false);
    const ds = this.#stage2Ds;
    const sl0 = Number(field(d2, 38, 2));
    const t0sz = field(d2, 32, 6);
    if (!this.#granuleSupported(granule) || t0sz < 64n - this.#oas || t0sz > 39n) return undefined;
    if (t0sz < (granule === 16n || ds ? 12n : 16n)) return undefined;
    // By {S2SL0_2, S2SL0}; S2SL0_2 is only used with DS and 4 KiB granules.
    const sl2 = ds && granule === 12n && flag(this.#ste[3] ?? 0n, 2);
    const startLevels =
      granule === 12n ? (sl2 ? [-1] : [2, 1, 0]) : granule === 14n && ds ? [3, 2, 1, 0] : [3, 2, 1];
    const startLevel = startLevels[sl0];
    if (startLevel === undefined) return undefined;
    // Small PAs do not use the highest level.
    if (sl0 === 2 && this.#oas < (granule === 14n ? 42n : 44n)) return undefined;
    if (sl0 === 3 && this.#oas < 52n) return undefined;
    const entryBits = granule + BigInt(3 - startLevel) * (granule - 3n);
    const indexBits = 64n - t0sz - entryBits;
    // One table has granule / 8 entries; up to 16 of them are concatenated.
    return indexBits < 1n || indexBits > granule - 3n + 4n
      ? undefined
      : { granule, inputBits: 64n - t0sz, startLevel };
  }

  #stage2Legal(): boolean {
    const d2 = this.#ste[2] ?? 0n;
    if (!flag(this.#smmu.idr0, 0) || !flag(d2, 51)) return false;
    if (flag(d2, 52) && !this.#mixedEndian) return false;
    if (
      !this.#updatesSupported(flag(d2, 56), flag(d2, 55)) ||
      (flag(d2, 57) && field(this.#smmu.idr0, 24, 2) === 1n)
    )
      return false;
    const ttb = (this.#ste[3] ?? 0n) & ADDRESS & ~15n;
    const shape = this.#stage2Shape();
    return (
      shape !== undefined &&
      ttb < 1n << this.#outputBits(field(d2, 48, 3), shape.granule, this.#stage2Ds)
    );
  }

  #cdLegal(): boolean {
    const [d0 = 0n, ttb0 = 0n, ttb1 = 0n] = this.#cd;
    const el2 = this.#el2;
    if (!flag(this.#smmu.idr0, 12) && field(d0, 48, 16) > 0xffn && !el2) return false;
    if (!flag(d0, 31) || !flag(d0, 41)) return false;
    const disabled = (epd: number) => flag(d0, epd) && !el2;
    const walks = !(disabled(14) && disabled(30));
    if (flag(d0, 15) && walks && !this.#mixedEndian) return false;
    if (!this.#updatesSupported(flag(d0, 43), flag(d0, 42))) return false;
    if (!flag(d0, 46) && flag(this.#smmu.idr0, 26)) return false;
    if (flag(d0, 44) && field(this.#smmu.idr0, 24, 2) === 1n) return false;
    const half = (low: number, epd: number, ttb: bigint, upper: boolean) => {
      const size = field(d0, low, 6);
      const granule = granuleOf(field(d0, low + 6, 2), upper);
      if (disabled(epd)) return true;
      if (!this.#granuleSupported(granule) || size > 39n) return false;
      const large = (granule === 16n || this.#stage1Ds) && field(this.#smmu.idr5, 10, 2) === 1n;
      if (size < (large ? 12n : 16n)) return false;
      return (
        (ttb & ADDRESS & ~15n) < 1n << this.#outputBits(field(d0, 32, 3), granule, this.#stage1Ds)
      );
    };
    return half(0, 14, ttb0, false) && (el2 || half(16, 30, ttb1, true));
  }

  // Stage 2 for an IPA that is accessed on behalf of stage 1 (class 0, 1) or of the
  // access itself (2).
  #walkStage2(ipa: bigint, kind: number, write: boolean): bigint {
    const [, , d2 = 0n, d3 = 0n] = this.#ste;
    const { privileged = false } = this.#access;
    const instruction = kind === 2 && this.#access.instruction === true;
    const big = flag(d2, 52);
    const inOrder = (word: bigint) => (big ? reversed(word) : word);
    const fault = (event: number) =>
      refuse({ event, stage2: true, class: kind, ipa: ipa & ADDRESS & ~0xfffn });
    const shape = this.#stage2Shape();
    if (!shape) throw new Error('a legal STE has a shape');
    if (ipa >= 1n << shape.inputBits) fault(FAULT.translation);
    const descriptor = (address: bigint) =>
      inOrder(
        this.#read(address) ??
          refuse({ event: ID.walkAbort, stage2: true, class: kind, fetchAddress: address }),
      );
    const table = d3 & ADDRESS & ~15n;
    const ds = this.#stage2Ds;
    const outputBits = this.#outputBits(field(d2, 48, 3), shape.granule, ds);
    const leaf = walkTables({
      ...shape,
      input: ipa,
      table,
      outputBits,
      lpa: this.#oas === 52n,
      ds,
      descriptor,
      fault,
    });
    const [ha, hd, affd] = [flag(d2, 56), flag(d2, 55), flag(d2, 53)];
    let next = leaf.descriptor;
    if (!flag(next, 10) && !ha && !affd) fault(FAULT.access);
    if (!flag(next, 10) && ha) next |= 1n << 10n;
    const dirtyable = ha && hd && flag(next, 51);
    // Two bits with XNX: executable by all, by unprivileged code only, by none, by
    // privileged code only.
    const executes = flag(this.#smmu.idr3, 4)
      ? [true, !privileged, false, privileged][Number(field(next, 53, 2))]
      : !flag(next, 54);
    const allowed = instruction ? executes : write ? flag(next, 7) || dirtyable : flag(next, 6);
    if (!allowed) fault(FAULT.permission);
    if (write && dirtyable) next |= 1n << 7n;
    if (next !== leaf.descriptor) this.#updates.set(leaf.slot, inOrder(next));
    return leaf.output;
  }

  #tableAddress(address: bigint, kind: number, write = false): bigint {
    return this.#stage2 ? this.#walkStage2(address, kind, write) : address;
  }

  #fetchCd(index: bigint): void {
    const [d0 = 0n] = this.#ste;
    const words = (address: bigint, count: number) =>
      this.#words(this.#tableAddress(address, 0), count, ID.cdFetch);
    let table = d0 & ADDRESS & ~63n;
    let offset = index;
    const declared = this.#cdMax() === 0n ? 0n : field(d0, 4, 2);
    const format = declared === 3n ? 0n : declared;
    if (format !== 0n) {
      const perLeaf = format === 1n ? 64n : 1024n;
      const [level1 = 0n] = words(table + (index / perLeaf) * 8n, 1);
      table = level1 & ADDRESS;
      table -= table % (perLeaf * 64n);
      if (!flag(level1, 0) || table >= 1n << this.#oas) refuse({ event: ID.badSubstream });
      offset = index % perLeaf;
    }
    this.#cd = words(table + offset * 64n, 8);
    if (!this.#cdLegal()) refuse({ event: ID.badCd });
  }

  // The CD of the access; undefined when S1DSS makes it bypass stage 1.
  #cdIndex(): bigint | undefined {
    const [, d1 = 0n] = this.#ste;
    const { ssid } = this.#access;
    const cdMax = this.#cdMax();
    const dss = field(d1, 0, 2);
    if (ssid === undefined) {
      if (cdMax === 0n || dss === 2n) return 0n;
      return dss === 1n ? undefined : refuse({ event: ID.disabled });
    }
    if (cdMax === 0n || ssid >= 1n << cdMax) refuse({ event: ID.badSubstream });
    if (ssid === 0n && dss === 2n) refuse({ event: ID.disabled });
    return ssid;
  }

  #walkStage1(): { ipa: bigint; commit: () => void } {
    const [d0 = 0n, ttb0 = 0n, ttb1 = 0n] = this.#cd;
    const { address, write = false, privileged = false, instruction = false } = this.#access;
    const fault = (event: number) => refuse({ event, class: 2 });
    const upper = flag(address, 55);
    const tagged = flag(d0, upper ? 39 : 38) ? 56 : 64;
    const bits = 64n - field(d0, upper ? 16 : 0, 6);
    const significant = field(address, 0, tagged);
    const above = significant >> bits;
    const ones = (1n << (BigInt(tagged) - bits)) - 1n;
    // EL2 has only the lower half, which is always enabled.
    const el2 = this.#el2;
    if (el2 ? upper : flag(d0, upper ? 30 : 14)) fault(FAULT.translation);
    if (above !== (upper ? ones : 0n)) fault(FAULT.translation);
    const big = flag(d0, 15);
    const inOrder = (word: bigint) => (big ? reversed(word) : word);
    const granule = granuleOf(field(d0, upper ? 22 : 6, 2), upper) ?? 12n;
    const startLevel = 4 - Math.ceil(Number(bits - granule) / Number(granule - 3n));
    const descriptor = (slot: bigint) => {
      const pa = this.#tableAddress(slot, 1);
      return inOrder(this.#read(pa) ?? refuse({ event: ID.walkAbort, class: 1, fetchAddress: pa }));
    };
    const table = (upper ? ttb1 : ttb0) & ADDRESS & ~15n;
    const ds = this.#stage1Ds;
    const outputBits = this.#outputBits(field(d0, 32, 3), granule, ds);
    const input = field(address, 0, Number(bits));
    const lpa = this.#oas === 52n;
    const leaf = walkTables({
      input,
      inputBits: bits,
      granule,
      startLevel,
      table,
      outputBits,
      lpa,
      ds,
      descriptor,
      fault,
    });
    const had = flag(upper ? ttb1 : ttb0, 1);
    const hierarchical = (bit: number) => !had && leaf.tables.some((word) => flag(word, bit));
    const [ha, hd, affd] = [flag(d0, 43), flag(d0, 42), flag(d0, 35)];
    let next = leaf.descriptor;
    if (!flag(next, 10) && !ha && !affd) fault(FAULT.access);
    if (!flag(next, 10) && ha) next |= 1n << 10n;
    const dirtyable = ha && hd && flag(next, 51) && !hierarchical(62);
    const writable = (!flag(next, 7) || dirtyable) && !hierarchical(62);
    const unprivileged = flag(next, 6) && !hierarchical(61);
    const wxn = flag(d0, 36) && writable;
    const allowed = () => {
      // EL2 has no privilege: AP[1], PXN and PAN are ignored.
      if (el2)
        return instruction ? !flag(next, 54) && !hierarchical(60) && !wxn : !write || writable;
      if (instruction && !privileged) return !flag(next, 54) && !hierarchical(60) && !wxn;
      if (instruction)
        return !flag(next, 53) && !hierarchical(59) && !wxn && !(unprivileged && writable);
      if (privileged ? flag(d0, 40) && unprivileged : !unprivileged) return false;
      return !write || writable;
    };
    if (!allowed()) fault(FAULT.permission);
    if (write && dirtyable) next &= ~(1n << 7n);
    const commit = () => {
      if (next === leaf.descriptor) return;
      this.#updates.set(this.#tableAddress(leaf.slot, 1, true), inOrder(next));
    };
    return { ipa: leaf.output, commit };
  }

  #run(): bigint {
    this.#ste = this.#fetchSte();
    const [d0 = 0n] = this.#ste;
    const { address, write = false } = this.#access;
    if (!flag(d0, 0)) refuse({ event: ID.badSte });
    const config = field(d0, 1, 3);
    if (config < 4n) refuse({ event: 0 });
    const [translates1, translates2] = [flag(config, 0), flag(config, 1)];
    if ((translates1 && !this.#stage1Legal()) || (translates2 && !this.#stage2Legal()))
      refuse({ event: ID.badSte });
    const vmid = field(this.#ste[2] ?? 0n, 0, 16);
    if (
      (translates1 || translates2) &&
      flag(this.#smmu.idr0, 0) &&
      !flag(this.#smmu.idr0, 18) &&
      this.#strw === 0n &&
      vmid > 0xffn
    )
      refuse({ event: ID.badSte });
    if (!translates1 && this.#access.ssid !== undefined) refuse({ event: ID.badSubstream });
    this.#stage2 = translates2;
    const index = translates1 ? this.#cdIndex() : undefined;
    if (index !== undefined) {
      this.#stage1 = true;
      this.#fetchCd(index);
    }
    if (!this.#stage1 && address >= 1n << this.#oas) refuse({ event: FAULT.addressSize, class: 2 });
    if (!this.#stage1 && !this.#stage2) return address;
    const { ipa, commit } = this.#stage1
      ? this.#walkStage1()
      : { ipa: address, commit: () => undefined };
    const pa = this.#stage2 ? this.#walkStage2(ipa, 2, write) : ipa;
    commit();
    return pa;
  }
}
