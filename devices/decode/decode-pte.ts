// SPDX-License-Identifier: MIT
// Translation table descriptors (DDI 0487 section D8.3). Their meaning depends on
// granule, level and stage.

import * as PTE from '../../assembly/layout/descriptors.ts';
import { fieldOf } from '../plugin/index.ts';
import { checkWordList } from '../plugin/known-words.ts';
import { checkOptions, flag, integerFrom, type OptionKinds } from '../plugin/option-kinds.ts';
import { GRANULE_64K, type Granule } from '../tables/index.ts';
import { granuleKind } from '../tables/named-field.ts';
import { entryShift, isLeafLevel, SHIFTS } from '../tables/table-geometry.ts';
import { SHAREABILITY, sizeText } from './meanings.ts';
import {
  type Decoded,
  type DecodedField,
  decodeFields,
  type FieldTexts,
  type Words,
} from './structure.ts';

type FieldName = keyof typeof PTE & string;

/** The place of the descriptor. */
export interface PteOptions {
  /** Translation granule of its table. */
  readonly granule: Granule;
  /** Level of its table, 0 to 3; -1 with `ds` and 4 KiB granules. */
  readonly level: number;
  /** Stage of translation. */
  readonly stage: 1 | 2;
  /** CD.DS or STE.S2DS: granules of 4 and 16 KiB have 52-bit addresses. Default false. */
  readonly ds?: boolean;
}

const OPTIONS: OptionKinds<PteOptions> = {
  granule: granuleKind,
  level: integerFrom(-1, 3),
  stage: integerFrom(1, 2),
  ds: flag,
};

const TYPE: readonly FieldName[] = ['PTE_TYPE'];
const TABLE_S1: readonly FieldName[] = [
  ...TYPE,
  'PTE_TABLE_PXN',
  'PTE_TABLE_XN',
  'PTE_APTABLE_PRIV',
  'PTE_APTABLE_RO',
  'PTE_TABLE_NS',
];
const TABLE_S2: readonly FieldName[] = TYPE;
const LEAF: readonly FieldName[] = [
  ...TYPE,
  'PTE_SH',
  'PTE_AF',
  'PTE_DBM',
  'PTE_CONTIGUOUS',
  'PTE_XN',
  'PTE_SOFTWARE',
];
const LEAF_S1: readonly FieldName[] = [
  ...LEAF,
  'PTE_ATTRINDX',
  'PTE_NS',
  'PTE_AP_UNPRIV',
  'PTE_AP_RO',
  'PTE_NG',
  'PTE_PXN',
];
const LEAF_S2: readonly FieldName[] = [...LEAF, 'PTE_S2_MEMATTR', 'PTE_S2AP_R', 'PTE_S2AP_W'];

const TEXTS: FieldTexts<typeof PTE> = {
  PTE_ATTRINDX: { name: 'AttrIndx', means: (value) => `attribute ${value} of MAIR` },
  PTE_AP_UNPRIV: { name: 'AP[1]', means: ['privileged only', 'unprivileged as well'] },
  PTE_AP_RO: { name: 'AP[2]', means: ['read and write', 'read-only'] },
  PTE_S2AP_R: { name: 'S2AP[0]', means: ['not readable', 'readable'] },
  PTE_S2AP_W: { name: 'S2AP[1]', means: ['not writable', 'writable'] },
  PTE_S2_MEMATTR: { name: 'MemAttr' },
  PTE_SH: { means: SHAREABILITY },
  PTE_AF: { means: ['not accessed yet', 'accessed'] },
  PTE_NG: { name: 'nG', means: ['global', 'of one ASID'] },
  PTE_DBM: { means: ['', 'dirty state is kept by hardware'] },
  PTE_CONTIGUOUS: { name: 'Contiguous', means: ['', 'one of a contiguous group'] },
  PTE_PXN: { means: ['executable when privileged', 'not executable when privileged'] },
  PTE_XN: { name: 'XN', means: ['executable', 'not executable'] },
  PTE_SOFTWARE: { name: 'Software', used: () => false },
  PTE_TABLE_PXN: { name: 'PXNTable', means: ['', 'nothing below is executable when privileged'] },
  PTE_TABLE_XN: { name: 'XNTable', means: ['', 'nothing below is executable'] },
  PTE_TABLE_NS: { name: 'NSTable' },
  PTE_APTABLE_PRIV: {
    name: 'APTable[0]',
    means: ['', 'nothing below is for unprivileged accesses'],
  },
  PTE_APTABLE_RO: { name: 'APTable[1]', means: ['', 'nothing below is writable'] },
};

/**
 * The kind of descriptor at a level: 'invalid', 'table', 'block', 'page', or 'reserved',
 * which faults like an invalid one.
 */
function kindOf(
  words: Words,
  { granule, level, ds = false }: PteOptions,
): 'invalid' | 'reserved' | 'table' | 'block' | 'page' {
  if (!fieldOf(words, PTE.PTE_VALID)) return 'invalid';
  if (fieldOf(words, PTE.PTE_TYPE) === PTE.PTE_TYPE_TABLE) return level === 3 ? 'page' : 'table';
  return (level < 3 && isLeafLevel(granule, level, ds)) || (level === 1 && granule === GRANULE_64K)
    ? 'block'
    : 'reserved';
}

function lpa2({ granule, ds = false }: PteOptions): boolean {
  return ds && granule !== GRANULE_64K;
}

function wholeOf(words: Words): bigint {
  return (BigInt((words[1] ?? 0) >>> 0) << 32n) | BigInt((words[0] ?? 0) >>> 0);
}

// Address of a table or leaf. Its lowest bit depends on the granule and, in a leaf, on
// the level.
function addressField(
  words: Words,
  low: number,
  meaning: string,
  options: PteOptions,
): DecodedField {
  const high = lpa2(options) ? 49 : 47;
  const value = ((wholeOf(words) & ((1n << BigInt(high + 1)) - 1n)) >> BigInt(low)) << BigInt(low);
  return { name: 'Address', doubleword: 0, high, low, value, meaning, ignored: false };
}

// The upper bits of a 52-bit address are below the others: all four with 64 KiB granules,
// two with DS.
function upperAddress(words: Words, options: PteOptions): readonly DecodedField[] {
  const place = { doubleword: 0, ignored: false };
  if (options.granule === GRANULE_64K) {
    const value = (wholeOf(words) >> 12n) & 0xfn;
    return [
      {
        ...place,
        name: 'Address[51:48]',
        high: 15,
        low: 12,
        value,
        meaning: 'where OAS is 52 bits',
      },
    ];
  }
  if (!lpa2(options)) return [];
  return [
    {
      ...place,
      name: 'Address[51:50]',
      high: 9,
      low: 8,
      value: (wholeOf(words) >> 8n) & 3n,
      meaning: '',
    },
  ];
}

// The other bits of an invalid descriptor are for software only.
function otherBits(words: Words): DecodedField {
  return {
    name: 'other bits',
    doubleword: 0,
    high: 63,
    low: 2,
    value: wholeOf(words) >> 2n,
    meaning: 'for software',
    ignored: true,
  };
}

/**
 * Decodes a descriptor: 2 words.
 * @throws {TypeError|RangeError} when an option is unknown, or the words are not 32-bit
 *   integers.
 */
export function decodePte(words: Words, options: PteOptions): Decoded {
  checkWordList(words, 'decodePte: words');
  checkOptions(options, OPTIONS, 'decodePte', ['granule', 'level', 'stage']);
  const { granule, level, stage } = options;
  const kind = kindOf(words, options);
  const texts: FieldTexts<typeof PTE> = { ...TEXTS, PTE_TYPE: { name: 'Type', means: () => kind } };
  const decode = (names: readonly FieldName[], ...more: readonly DecodedField[]) =>
    decodeFields(words, 1, PTE, names, texts, more);
  const name = `${kind} descriptor`;
  const place = `stage ${stage}, level ${level}`;
  if (kind === 'invalid' || kind === 'reserved') {
    return { name, summary: `${place}: not mapped`, fields: decode(TYPE, otherBits(words)) };
  }
  const upper = upperAddress(words, options);
  if (kind === 'table') {
    const fields = decode(
      stage === 1 ? TABLE_S1 : TABLE_S2,
      addressField(words, SHIFTS[granule], `table of level ${level + 1}`, options),
      ...upper,
    );
    return { name, summary: `${place}: the next table`, fields };
  }
  const shift = entryShift(granule, level);
  const size = sizeText(2 ** shift);
  const leaf = (stage === 1 ? LEAF_S1 : LEAF_S2).filter(
    (field) => !(lpa2(options) && field === 'PTE_SH'),
  );
  const fields = decode(
    leaf,
    addressField(words, shift, `output address of ${size}`, options),
    ...upper,
  );
  return { name, summary: `${place}: maps ${size}`, fields };
}
