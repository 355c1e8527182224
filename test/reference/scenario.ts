// SPDX-License-Identifier: MIT
// One point of the matrix: tables for one access, in the guest's RAM. The reference and
// the real core read the same memory.

/** Guest RAM as PA; its first byte is IPA 0 of the nested scenarios. */
export const RAM_PA = 0x1_8000_0000n;
export const ROOT = {
  cd: 0x110000n,
  level1Cd: 0x120000n,
  leafCd: 0x130000n,
  stage1: 0x200000n,
  stage2: 0x400000n,
  pool: 0x500000n,
};
/** Target of accesses: offset in RAM. */
export const TARGET = 0x70_0123n;
/** Bits that give each level of a VA a different index. */
const PATTERN = 0x0009_5a3c_96e1_2000n;
/**
 * Bits 51 to 48 of the output addresses of stage 1 and stage 2 in a wide scenario, if the
 * granule has them.
 */
const HIGH1 = 0xan;
const HIGH2 = 0x6n;

export interface Geometry {
  /** log2 of the granule. */
  readonly granule: bigint;
  readonly bits: bigint;
  readonly start: number;
  /** Level of the leaf. */
  readonly leaf: number;
}

export interface Shape {
  readonly mode: 'stage 1' | 'stage 2' | 'nested';
  readonly stage1: Geometry;
  readonly stage2: Geometry;
  /** TTB1 rather than TTB0. */
  readonly upper?: boolean;
  /** Linear, or two-level with 4 KiB or 64 KiB leaves. */
  readonly cdFormat?: bigint;
  readonly ssid?: bigint;
  /**
   * An SMMU with 52-bit addresses and VAs, also in IPS and S2PS; the target is above
   * 2^48.
   */
  readonly wide?: boolean;
  /** With `wide`: DS in CD and STE, that is, 52 bits with the other granules as well. */
  readonly ds?: boolean;
  /**
   * An SMMU like Grace's, with EL2, tables of either endianness and XNX; streams with
   * only stage 1 are in this StreamWorld.
   */
  readonly world?: 'NS-EL1' | 'EL2' | 'EL2-E2H';
}

/** The bytes of a word in reverse order. */
function swapped(value: bigint): bigint {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, value, true);
  return bytes.getBigUint64(0, false);
}

export interface Access {
  readonly write?: boolean;
  readonly privileged?: boolean;
  readonly instruction?: boolean;
}

const mask = (bits: bigint) => (1n << bits) - 1n;

export function levelShift(granule: bigint, level: number): bigint {
  return granule + BigInt(3 - level) * (granule - 3n);
}

/**
 * Everything that an access needs, as words by PA, with names for what a twist changes.
 */
export class Scenario {
  readonly words = new Map<bigint, bigint>();
  readonly ste: bigint[] = Array.from({ length: 8 }, () => 0n);
  /** PA of the CD that the access uses, and of the level-1 CD descriptor. */
  readonly cd: bigint;
  readonly level1Cd: bigint;
  /** PAs of the descriptors of the target's walk, by level. */
  readonly slots1 = new Map<number, bigint>();
  readonly slots2 = new Map<number, bigint>();
  /** PA of the stage-2 leaf that maps the stage-1 leaf's table. */
  tableLeaf2 = 0n;
  address: bigint;
  /**
   * Stages whose tables are big-endian in memory. Twists read and change words in this
   * machine's byte order.
   */
  readonly bigEndian = new Set<1 | 2>();
  readonly shape: Shape;
  #pool = ROOT.pool;
  readonly #stageOf = new Map<bigint, 1 | 2>();

  constructor(shape: Shape) {
    this.shape = shape;
    const { mode, stage1, stage2, upper = false, cdFormat = 0n, ssid } = shape;
    const entry = mode === 'stage 2' ? stage2 : stage1;
    const size = mask(levelShift(entry.granule, entry.leaf));
    const low = (PATTERN & ~size & mask(entry.bits)) | (TARGET & size & mask(entry.bits));
    this.address = upper ? low | (mask(64n) & ~mask(entry.bits)) : low;

    const leafBits = cdFormat === 1n ? 6n : 10n;
    const index = ssid ?? 0n;
    this.level1Cd = RAM_PA + ROOT.level1Cd + (index >> leafBits) * 8n;
    this.cd =
      RAM_PA +
      (cdFormat === 0n ? ROOT.cd + index * 64n : ROOT.leafCd + (index & mask(leafBits)) * 64n);
    if (mode !== 'stage 2') this.#buildStage1(cdFormat, ssid !== undefined || cdFormat !== 0n);
    if (mode !== 'stage 1') this.#buildStage2();
  }

  /** An address at stage 1: an IPA when nested. */
  pointer(offset: bigint): bigint {
    return this.shape.mode === 'nested' ? offset : RAM_PA + offset;
  }

  /** The words as stored in memory. */
  get encoded(): ReadonlyMap<bigint, bigint> {
    const encode = (pa: bigint, word: bigint) => {
      const stage = this.#stageOf.get(pa);
      return stage !== undefined && this.bigEndian.has(stage) ? swapped(word) : word;
    };
    return new Map([...this.words].map(([pa, word]) => [pa, encode(pa, word)]));
  }

  get(pa: bigint): bigint {
    return this.words.get(pa) ?? 0n;
  }
  set(pa: bigint, value: bigint): void {
    this.words.set(pa, value);
  }
  /** Sets and clears bits of a word. */
  change(pa: bigint, set: bigint, clear = 0n): void {
    this.set(pa, (this.get(pa) & ~clear) | set);
  }

  #allocate(granule: bigint): bigint {
    const size = 1n << granule;
    this.#pool = (this.#pool + size - 1n) & ~(size - 1n);
    const at = this.#pool;
    this.#pool += size;
    return at;
  }

  #map(
    stage: 1 | 2,
    geometry: Geometry,
    root: bigint,
    input: bigint,
    leaf: bigint,
    pointer: (offset: bigint) => bigint,
  ): Map<number, bigint> {
    const { granule, start, bits } = geometry;
    const slots = new Map<number, bigint>();
    let table = root;
    for (let level = start; ; level++) {
      const shift = levelShift(granule, level);
      const width = (level === start ? bits : shift + granule - 3n) - shift;
      const slot = RAM_PA + table + ((input >> shift) & mask(width)) * 8n;
      slots.set(level, slot);
      this.#stageOf.set(slot, stage);
      if (level === geometry.leaf) {
        this.set(slot, leaf | (level === 3 ? 3n : 1n));
        return slots;
      }
      if (this.get(slot) === 0n) this.set(slot, pointer(this.#allocate(granule)) | 3n);
      table = (this.get(slot) & mask(48n) & ~0xfffn) - pointer(0n);
    }
  }

  /** Encoding of bits 51 to 48 of a leaf's address, 0 where it has none. */
  #high({ granule }: Geometry, bits: bigint): bigint {
    if (!this.#leadsHigh(granule)) return 0n;
    return granule === 16n ? bits << 12n : ((bits >> 2n) << 8n) | ((bits & 3n) << 48n);
  }

  #leadsHigh(granule: bigint): boolean {
    return this.shape.wide === true && (granule === 16n || this.shape.ds === true);
  }

  /**
   * With DS, bits [9:8] of a leaf belong to the address; without, they are "inner
   * shareable".
   */
  #shareable({ granule }: Geometry): bigint {
    return this.shape.ds && granule !== 16n ? 0n : 0x300n;
  }

  #buildStage1(cdFormat: bigint, substreams: boolean): void {
    const { stage1, upper = false, wide = false, ds = false } = this.shape;
    const size = mask(levelShift(stage1.granule, stage1.leaf));
    // nG, AF, unprivileged, AttrIndx 1.
    const leaf =
      (this.pointer(TARGET) & ~size) | 0xc44n | this.#shareable(stage1) | this.#high(stage1, HIGH1);
    const slots = this.#map(
      1,
      stage1,
      ROOT.stage1,
      this.address & mask(stage1.bits),
      leaf,
      (offset) => this.pointer(offset),
    );
    for (const [level, slot] of slots) this.slots1.set(level, slot);

    const tg = upper ? [2n, 1n, 3n] : [0n, 2n, 1n];
    const half = (64n - stage1.bits) | ((tg[Number((stage1.granule - 12n) / 2n)] ?? 0n) << 6n);
    // ASID 1, A, R, AA64, IPS 48 or 52 bits, V; the other half disabled.
    const d0 =
      (0x0001_6200n << 32n) |
      ((wide ? 6n : 5n) << 32n) |
      (1n << 31n) |
      (upper ? (half << 16n) | (1n << 14n) : half | (1n << 30n));
    const ttb0 = upper ? 0n : this.pointer(ROOT.stage1);
    const ttb1 = upper ? this.pointer(ROOT.stage1) : 0n;
    [d0, ttb0, ttb1 | (ds ? 1n << 58n : 0n), 0xf404_ff44n, 0n, 0n, 0n, 0n].forEach((word, i) => {
      this.set(this.cd + BigInt(8 * i), word);
    });
    if (cdFormat !== 0n) this.set(this.level1Cd, this.pointer(ROOT.leafCd) | 1n);
    const context = this.pointer(cdFormat === 0n ? ROOT.cd : ROOT.level1Cd);
    this.ste[0] = context | (cdFormat << 4n) | (substreams ? 20n << 59n : 0n) | 0xbn;
    const { world = 'NS-EL1' } = this.shape;
    this.ste[1] = 0xd6n | (world === 'NS-EL1' ? 0n : 2n << 30n);
    // The VMID also tags stage-1 entries.
    this.ste[2] = 7n;
  }

  #buildStage2(): void {
    const { stage1, stage2, mode, wide = false, ds = false } = this.shape;
    const size = mask(levelShift(stage2.granule, stage2.leaf));
    // AF, read-write, write-back.
    const attributes = 0x4fcn | this.#shareable(stage2);
    const map = (ipa: bigint, offset: bigint, high = 0n) =>
      this.#map(
        2,
        stage2,
        ROOT.stage2,
        ipa,
        ((RAM_PA + offset) & ~size) | attributes | high,
        (at) => RAM_PA + at,
      );
    const high = this.#high(stage2, HIGH2);
    if (mode === 'nested') {
      for (const pa of [this.cd, this.level1Cd]) map(pa - RAM_PA, pa - RAM_PA);
      for (const pa of this.slots1.values())
        this.tableLeaf2 = map(pa - RAM_PA, pa - RAM_PA).get(stage2.leaf) ?? 0n;
    }
    const ipa =
      mode === 'nested'
        ? TARGET | (this.#leadsHigh(stage1.granule) ? HIGH1 << 48n : 0n)
        : this.address;
    for (const [level, slot] of map(ipa, TARGET, high)) this.slots2.set(level, slot);
    const tg = [0n, 2n, 1n][Number((stage2.granule - 12n) / 2n)] ?? 0n;
    // Start level -1 is S2SL0 0 with S2SL0_2.
    const sl0 = stage2.start === -1 ? 0n : BigInt((stage2.granule === 12n ? 2 : 3) - stage2.start);
    // S2R, S2PTW, S2AA64, S2PS 48 or 52 bits, walks write-back and inner shareable.
    const word5 =
      0x0448_0000n |
      ((wide ? 6n : 5n) << 16n) |
      (tg << 14n) |
      0x3500n |
      (sl0 << 6n) |
      (64n - stage2.bits);
    this.ste[0] = ((this.ste[0] ?? 0n) & ~0xfn) | (mode === 'nested' ? 0xfn : 0xdn);
    this.ste[2] = (word5 << 32n) | 7n;
    this.ste[3] = (RAM_PA + ROOT.stage2) | (ds ? 8n : 0n) | (stage2.start === -1 ? 4n : 0n);
  }
}
