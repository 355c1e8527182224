// SPDX-License-Identifier: MIT
// Context descriptors (IHI 0070 section 5.4) as 16 words, with the attributes that Linux
// gives a DMA domain.

import {
  CD_A,
  CD_AA64,
  CD_AFFD,
  CD_ASET,
  CD_ASID,
  CD_EPD0,
  CD_EPD1,
  CD_IPS,
  CD_IR0,
  CD_IR1,
  CD_MAIR_HI,
  CD_MAIR_LO,
  CD_OR0,
  CD_OR1,
  CD_R,
  CD_S,
  CD_SH0,
  CD_SH1,
  CD_SIZE,
  CD_T0SZ,
  CD_T1SZ,
  CD_TG0,
  CD_TG1,
  CD_TTB0_HI,
  CD_TTB0_LO,
  CD_TTB1_HI,
  CD_TTB1_LO,
  CD_V,
} from '../../assembly/layout/cd.ts';
import { checkNames, setField } from '../plugin/index.ts';
import { allNamesOf } from '../plugin/known-names.ts';
import { checkInteger } from '../plugin/known-values.ts';
import { checkedLater, checkOptions, flag, type OptionKinds } from '../plugin/option-kinds.ts';
import { addressSizeCode, GRANULE_4K, type Granule } from './granule.ts';
import { splitAddress, storeStructure, type TableMemory } from './memory.ts';
import { checkAddress, checkAddressSize, checkWords, setNamedField } from './named-field.ts';
import { checkGranule, TG0, TG1 } from './table-geometry.ts';

/** One half of the input address range: TTB0 the lower, TTB1 the upper. */
export interface CdTables {
  /** Address of the first table: a PA, or an IPA when the STE has stage 2. */
  readonly ttb: number;
  /** Size of this half in bits, 25 to 48. */
  readonly inputBits: number;
  readonly granule?: Granule;
}

/** Fields of a CD (IHI 0070 section 5.4), for `contextDescriptor`. */
export interface ContextDescriptor {
  readonly asid: number;
  /** Undefined: addresses of this half fault (EPD0, EPD1). */
  readonly lower?: CdTables;
  readonly upper?: CdTables;
  /** Size of an (intermediate) physical address in bits, default 48. */
  readonly outputBits?: number;
  /** Record faults (R), default true. */
  readonly record?: boolean;
  /** Abort faulting transactions (A), default true; false makes them read as zero. */
  readonly abort?: boolean;
  /** Stall faulting transactions (S), default false. */
  readonly stall?: boolean;
  /** Ignore the access flag (AFFD), default false. */
  readonly accessFlagDisabled?: boolean;
}

const FIELDS: OptionKinds<ContextDescriptor> = {
  asid: checkedLater,
  lower: checkedLater,
  upper: checkedLater,
  outputBits: checkedLater,
  record: flag,
  abort: flag,
  stall: flag,
  accessFlagDisabled: flag,
};
const TABLES = allNamesOf<CdTables>({
  ttb: true,
  inputBits: true,
  granule: true,
});

/** @throws {TypeError|RangeError} for the first field of a half that is wrong. */
function checkTables(tables: CdTables, what: string): void {
  checkNames(tables, TABLES, what);
  const { ttb, inputBits, granule = GRANULE_4K } = tables;
  checkAddress(ttb, 16, `${what}.ttb`);
  checkInteger(inputBits, 1, 64, `${what}.inputBits`);
  checkGranule(granule, `${what}.granule`);
}

/**
 * 0 non-cacheable, 1 write-back, 2 device, 3 inner non-cacheable and outer write-back.
 */
const MAIR_LO = 0xf404ff44;

/**
 * A CD as 16 words.
 * @throws {TypeError} when a field is unknown, or its value has the wrong type.
 * @throws {RangeError} when a value does not fit.
 */
export function contextDescriptor(options: ContextDescriptor): Uint32Array {
  checkOptions(options, FIELDS, 'contextDescriptor');
  const cd = new Uint32Array(CD_SIZE / 4);
  const { lower, upper } = options;
  if (lower !== undefined) checkTables(lower, 'contextDescriptor: lower');
  if (upper !== undefined) checkTables(upper, 'contextDescriptor: upper');
  checkAddressSize(options.outputBits, 'contextDescriptor: outputBits');
  setField(cd, CD_EPD0, lower ? 0 : 1);
  setField(cd, CD_EPD1, upper ? 0 : 1);
  if (lower) {
    const [lo, hi] = splitAddress(lower.ttb);
    setField(cd, CD_T0SZ, 64 - lower.inputBits);
    setField(cd, CD_TG0, TG0[lower.granule ?? GRANULE_4K]);
    setField(cd, CD_IR0, 1);
    setField(cd, CD_OR0, 1);
    setField(cd, CD_SH0, 3);
    setField(cd, CD_TTB0_LO, lo >>> 4);
    setField(cd, CD_TTB0_HI, hi);
  }
  if (upper) {
    const [lo, hi] = splitAddress(upper.ttb);
    setField(cd, CD_T1SZ, 64 - upper.inputBits);
    setField(cd, CD_TG1, TG1[upper.granule ?? GRANULE_4K]);
    setField(cd, CD_IR1, 1);
    setField(cd, CD_OR1, 1);
    setField(cd, CD_SH1, 3);
    setField(cd, CD_TTB1_LO, lo >>> 4);
    setField(cd, CD_TTB1_HI, hi);
  }
  setField(cd, CD_V, 1);
  setField(cd, CD_IPS, addressSizeCode(options.outputBits ?? 48));
  setField(cd, CD_AFFD, options.accessFlagDisabled ? 1 : 0);
  setField(cd, CD_AA64, 1);
  setField(cd, CD_S, options.stall ? 1 : 0);
  setField(cd, CD_R, options.record === false ? 0 : 1);
  setField(cd, CD_A, options.abort === false ? 0 : 1);
  setField(cd, CD_ASET, 1);
  setNamedField(cd, CD_ASID, options.asid, 'contextDescriptor: asid');
  setField(cd, CD_MAIR_LO, MAIR_LO);
  setField(cd, CD_MAIR_HI, 0);
  return cd;
}

/**
 * Writes a CD into a linear CD table. The caller issues CFGI_CD.
 * @throws {TypeError} when it is not a CD of 16 words, or `substreamId` is not a number.
 * @throws {RangeError} when `substreamId` does not fit in 20 bits.
 */
export function writeCd(
  memory: TableMemory,
  tableBase: number,
  substreamId: number,
  cd: Uint32Array,
): void {
  checkWords(cd, CD_SIZE / 4, 'writeCd: a CD');
  checkInteger(substreamId, 0, 2 ** 20 - 1, 'writeCd: substreamId');
  checkAddress(tableBase, CD_SIZE, 'writeCd: tableBase');
  storeStructure(memory, tableBase + substreamId * CD_SIZE, cd);
}
