// SPDX-License-Identifier: MIT
// Stream table entries (IHI 0070 section 5.2) as 16 words, with the attributes that Linux
// gives them.

import {
  STE_CONFIG,
  STE_CONFIG_ABORT,
  STE_CONFIG_BYPASS,
  STE_CONFIG_NESTED,
  STE_CONFIG_S1,
  STE_CONFIG_S2,
  STE_EATS,
  STE_MEV,
  STE_S1CDMAX,
  STE_S1CIR,
  STE_S1CONTEXTPTR_HI,
  STE_S1CONTEXTPTR_LO,
  STE_S1COR,
  STE_S1CSH,
  STE_S1DSS,
  STE_S1FMT,
  STE_S1STALLD,
  STE_S2AA64,
  STE_S2AFFD,
  STE_S2FWB,
  STE_S2IR0,
  STE_S2OR0,
  STE_S2PS,
  STE_S2PTW,
  STE_S2R,
  STE_S2S,
  STE_S2SH0,
  STE_S2SL0,
  STE_S2T0SZ,
  STE_S2TG,
  STE_S2TTB_HI,
  STE_S2TTB_LO,
  STE_S2VMID,
  STE_SIZE,
  STE_STRW,
  STE_V,
} from '../../assembly/layout/ste.ts';
import { setField } from '../plugin/index.ts';
import { checkInteger } from '../plugin/known-values.ts';
import {
  checkedLater,
  checkOptions,
  flag,
  integerFrom,
  type OptionKinds,
} from '../plugin/option-kinds.ts';
import { addressSizeCode, GRANULE_4K, type Granule } from './granule.ts';
import { splitAddress, storeStructure, type TableMemory } from './memory.ts';
import {
  checkAddress,
  checkAddressSize,
  checkWords,
  granuleKind,
  setNamedField,
} from './named-field.ts';
import { firstLevelOfStage2, startLevelCode, TG0 } from './table-geometry.ts';

/** Context descriptor fields of a stage-1 or nested STE. */
export interface SteStage1 {
  /**
   * Address of the CD (table), a multiple of 64: a PA, or an IPA when stage 2 is enabled.
   */
  readonly contextPtr: number;
  /** log2 of the number of CDs, default 0: one CD and no substreams. */
  readonly cdMax?: number;
  /** 0 linear (default), 1 and 2 two-level. */
  readonly format?: number;
  /**
   * Transactions without a SubstreamID: 0 terminate, 1 bypass stage 1, 2 (default) use CD
   * 0.
   */
  readonly dss?: number;
  /**
   * Faults of this stream do not stall; must be false when the SMMU has no stalls at all.
   */
  readonly stallDisabled?: boolean;
  /** 0 no ATS (default), 1 full ATS, 2 split-stage. */
  readonly eats?: number;
  /** StreamWorld, 0 NS-EL1 (default). */
  readonly strw?: number;
}

/** Table fields of a stage-2 or nested STE. */
export interface SteStage2 {
  readonly vmid: number;
  /** PA of the first table (or of the concatenated ones). */
  readonly ttb: number;
  /** Size of the input (IPA) in bits, 16 to 48. */
  readonly inputBits: number;
  /** Size of the output in bits, default `inputBits` if that has an encoding. */
  readonly outputBits?: number;
  readonly granule?: Granule;
  /** Level of the first table, default the result of `stage2StartLevel`. */
  readonly startLevel?: number;
  /** Record faults of stage 2 (S2R), default true. */
  readonly record?: boolean;
  /** Stall transactions on faults of stage 2 (S2S), default false. */
  readonly stall?: boolean;
  /** Ignore the access flag (S2AFFD), default false. */
  readonly accessFlagDisabled?: boolean;
  /** Stage 2 overrides the memory type of stage 1 (S2FWB), default false. */
  readonly forceWriteBack?: boolean;
}

const STAGE_1: OptionKinds<SteStage1> = {
  contextPtr: checkedLater,
  cdMax: integerFrom(0, 31),
  format: integerFrom(0, 3),
  dss: integerFrom(0, 3),
  stallDisabled: flag,
  eats: integerFrom(0, 3),
  strw: integerFrom(0, 3),
};
const STAGE_2: OptionKinds<SteStage2> = {
  vmid: checkedLater,
  ttb: checkedLater,
  inputBits: checkedLater,
  outputBits: checkedLater,
  granule: granuleKind,
  startLevel: integerFrom(-1, 3),
  record: flag,
  stall: flag,
  accessFlagDisabled: flag,
  forceWriteBack: flag,
};

/** IHI 0070 section 5.1: larger ones are reserved. */
const MAX_SPAN = 11;

function entry(config: number): Uint32Array {
  const ste = new Uint32Array(STE_SIZE / 4);
  setField(ste, STE_V, 1);
  setField(ste, STE_CONFIG, config);
  return ste;
}

function setStage1(ste: Uint32Array, stage1: SteStage1): void {
  checkOptions(stage1, STAGE_1, 'stage 1 of an STE');
  checkAddress(stage1.contextPtr, 64, 'stage 1 of an STE: contextPtr');
  const [lo, hi] = splitAddress(stage1.contextPtr);
  setField(ste, STE_S1CONTEXTPTR_LO, lo >>> 6);
  setField(ste, STE_S1CONTEXTPTR_HI, hi);
  setField(ste, STE_S1CDMAX, stage1.cdMax ?? 0);
  setField(ste, STE_S1FMT, stage1.format ?? 0);
  setField(ste, STE_S1DSS, stage1.dss ?? 2);
  // CDs are fetched write-back, read-allocate, inner shareable.
  setField(ste, STE_S1CIR, 1);
  setField(ste, STE_S1COR, 1);
  setField(ste, STE_S1CSH, 3);
  setField(ste, STE_S1STALLD, stage1.stallDisabled ? 1 : 0);
  setField(ste, STE_EATS, stage1.eats ?? 0);
  setField(ste, STE_STRW, stage1.strw ?? 0);
}

function setStage2(ste: Uint32Array, stage2: SteStage2): void {
  checkOptions(stage2, STAGE_2, 'stage 2 of an STE');
  const granule = stage2.granule ?? GRANULE_4K;
  checkAddress(stage2.ttb, 16, 'stage 2 of an STE: ttb');
  checkInteger(stage2.inputBits, 1, 64, 'stage 2 of an STE: inputBits');
  checkAddressSize(stage2.outputBits, 'stage 2 of an STE: outputBits');
  if (stage2.outputBits === undefined)
    checkAddressSize(stage2.inputBits, 'stage 2 of an STE: outputBits, by default inputBits,');
  const [lo, hi] = splitAddress(stage2.ttb);
  setNamedField(ste, STE_S2VMID, stage2.vmid, 'stage 2 of an STE: vmid');
  setField(ste, STE_S2T0SZ, 64 - stage2.inputBits);
  setField(
    ste,
    STE_S2SL0,
    startLevelCode(granule, stage2.startLevel ?? firstLevelOfStage2(granule, stage2.inputBits)),
  );
  setField(ste, STE_S2IR0, 1);
  setField(ste, STE_S2OR0, 1);
  setField(ste, STE_S2SH0, 3);
  setField(ste, STE_S2TG, TG0[granule]);
  setField(ste, STE_S2PS, addressSizeCode(stage2.outputBits ?? stage2.inputBits));
  setField(ste, STE_S2AA64, 1);
  setField(ste, STE_S2PTW, 1);
  setField(ste, STE_S2AFFD, stage2.accessFlagDisabled ? 1 : 0);
  setField(ste, STE_S2R, stage2.record === false ? 0 : 1);
  setField(ste, STE_S2S, stage2.stall ? 1 : 0);
  setField(ste, STE_S2FWB, stage2.forceWriteBack ? 1 : 0);
  setField(ste, STE_S2TTB_LO, lo >>> 4);
  setField(ste, STE_S2TTB_HI, hi);
}

/** Transactions abort without a record. */
export function abortSte(): Uint32Array {
  return entry(STE_CONFIG_ABORT);
}

/** Transactions pass untranslated. */
export function bypassSte(): Uint32Array {
  return entry(STE_CONFIG_BYPASS);
}

/** Not valid: transactions abort and are recorded as C_BAD_STE. */
export function invalidSte(): Uint32Array {
  return new Uint32Array(STE_SIZE / 4);
}

/**
 * An STE (16 words) whose stream is translated by stage 1 (Config 5).
 * @throws {TypeError} when a field is unknown, or its value has the wrong type.
 * @throws {RangeError} when a value does not fit.
 */
export function stage1Ste(stage1: SteStage1): Uint32Array {
  const ste = entry(STE_CONFIG_S1);
  setStage1(ste, stage1);
  return ste;
}

/**
 * An STE (16 words) whose stream is translated by stage 2 (Config 6).
 * @throws {TypeError} when a field is unknown, or its value has the wrong type.
 * @throws {RangeError} when a value does not fit.
 */
export function stage2Ste(stage2: SteStage2): Uint32Array {
  const ste = entry(STE_CONFIG_S2);
  setStage2(ste, stage2);
  return ste;
}

/**
 * Stage 1 of a guest on top of its host's stage 2. Events of equal faults are merged, as
 * in Linux for nested streams.
 * @throws {TypeError} when a field is unknown, or its value has the wrong type.
 * @throws {RangeError} when a value does not fit.
 */
export function nestedSte(stage1: SteStage1, stage2: SteStage2): Uint32Array {
  const ste = entry(STE_CONFIG_NESTED);
  setStage1(ste, stage1);
  setStage2(ste, stage2);
  setField(ste, STE_MEV, 1);
  return ste;
}

/**
 * Writes an STE into a linear stream table. The caller issues CFGI_STE.
 * @throws {TypeError} when it is not an STE of 16 words, or `streamId` is not a number.
 * @throws {RangeError} when `streamId` does not fit in 32 bits.
 */
export function writeSte(
  memory: TableMemory,
  tableBase: number,
  streamId: number,
  ste: Uint32Array,
): void {
  checkWords(ste, STE_SIZE / 4, 'writeSte: an STE');
  checkInteger(streamId, 0, 2 ** 32 - 1, 'writeSte: streamId');
  checkAddress(tableBase, STE_SIZE, 'writeSte: tableBase');
  storeStructure(memory, tableBase + streamId * STE_SIZE, ste);
}

/**
 * A level-1 stream table descriptor.
 * @param table address of the level-2 table, a multiple of its size.
 * @param span the table has 2^(span - 1) STEs; 0 (invalid) to 11.
 * @throws {TypeError|RangeError} when an argument is out of range.
 */
export function level1SteDescriptor(table: number, span: number): bigint {
  checkInteger(span, 0, MAX_SPAN, 'level1SteDescriptor: span');
  checkAddress(table, STE_SIZE * 2 ** Math.max(span - 1, 0), 'level1SteDescriptor: table');
  return BigInt(table) | BigInt(span);
}
