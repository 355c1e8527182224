// SPDX-License-Identifier: MIT
// Why a stage 1 walk refuses an address (IHI 0070 section 3.4, DDI 0487 section D8):
// which descriptor, and its content.

import * as CD from '../../../assembly/layout/cd.ts';
import * as PTE from '../../../assembly/layout/descriptors.ts';
import {
  F_ACCESS,
  F_ADDR_SIZE,
  F_PERMISSION,
  F_TRANSLATION,
  F_WALK_EABT,
} from '../../../assembly/layout/events.ts';
import { IDR3_HAD } from '../../../assembly/layout/smmu-registers.ts';
import { bitsOf, type Field, fieldOf } from '../../plugin/index.ts';
import { byteSwapped } from '../../tables/descriptor-order.ts';
import { GRANULE_4K, GRANULE_64K, type Granule } from '../../tables/index.ts';
import { entryShift, firstLevel, isLeafLevel, SHIFTS } from '../../tables/table-geometry.ts';
import type { Words } from '../structure.ts';
import { CD_HALVES, tableBaseOf } from './cd-halves.ts';
import {
  type JudgingRegisters,
  type Refusal,
  registerField,
  structureReader,
  told,
} from './refusal.ts';
import { hasLpa2, oasOf, outputBits } from './table-shape-refusals.ts';

/** An access of a stream, with the fields of its event record. */
export interface RefusedAccess {
  /** InputAddr, 64 bits. */
  readonly address: bigint;
  readonly write: boolean;
  readonly privileged: boolean;
  readonly instruction: boolean;
}

/** A refusal with its event. */
export interface WalkRefusal extends Refusal {
  /** Such as F_TRANSLATION. */
  readonly event: number;
}

const D8 = 'DDI 0487, D8';
const hex = (value: bigint) => `0x${value.toString(16)}`;
const bits = (value: bigint, from: number, count: number) =>
  (value >> BigInt(from)) & ((1n << BigInt(count)) - 1n);
const words = (descriptor: bigint) => [
  Number(descriptor & 0xffff_ffffn),
  Number(descriptor >> 32n),
];

/** Parameters for reading the tables of a half. */
interface Tables {
  readonly granule: Granule;
  readonly lpa2: boolean;
  readonly outputBits: number;
  readonly ids: JudgingRegisters;
}

/** The address in a descriptor that points to, or maps, 2^shift bytes. */
function addressIn(descriptor: bigint, shift: number, { granule, lpa2, ids }: Tables): bigint {
  const low = (width: number) => bits(descriptor, shift, width - shift) << BigInt(shift);
  if (lpa2) return low(50) | (bits(descriptor, 8, 2) << 50n);
  return (
    low(48) | (granule === GRANULE_64K && oasOf(ids) === 52 ? bits(descriptor, 12, 4) << 48n : 0n)
  );
}

/**
 * True when a block is allowed at a level; OAS 52 allows one more level with 64 KiB
 * granules.
 */
function blockAllowed(level: number, { granule, lpa2, ids }: Tables): boolean {
  if (granule === GRANULE_64K) return level === 2 || (level === 1 && oasOf(ids) === 52);
  return level < 3 && isLeafLevel(granule, level, lpa2);
}

/** Why a leaf refuses an access; undefined when it permits it. */
function leafRefusal(
  where: string,
  descriptor: bigint,
  tableBits: number,
  cd: Words,
  access: RefusedAccess,
): WalkRefusal | undefined {
  const leaf = words(descriptor);
  const has = (field: Field) => fieldOf(leaf, field) !== 0;
  const cdHas = (field: Field) => fieldOf(cd, field) !== 0;
  // The upper words of all table descriptors on the path.
  const tablesHave = (field: Field) => bitsOf(tableBits, field) !== 0;
  const because = (event: number, text: string) => ({
    event,
    text: `${where} ${text}`,
    section: D8,
  });
  if (!has(PTE.PTE_AF) && !cdHas(CD.CD_HA) && !cdHas(CD.CD_AFFD))
    return because(F_ACCESS, 'has AF = 0, and CD.HA = CD.AFFD = 0');
  const isClean = cdHas(CD.CD_HA) && cdHas(CD.CD_HD) && has(PTE.PTE_DBM);
  const readOnly = has(PTE.PTE_AP_RO) && !isClean;
  // A write is a data access.
  const fetches = access.instruction && !access.write;
  const writable = !readOnly && !tablesHave(PTE.PTE_APTABLE_RO);
  const unprivileged = has(PTE.PTE_AP_UNPRIV) && !tablesHave(PTE.PTE_APTABLE_PRIV);
  if (access.write && !writable)
    return because(
      F_PERMISSION,
      readOnly ? 'has AP[2] = 1: read-only' : 'is below a table with APTable[1] = 1: read-only',
    );
  // Unprivileged execution does not require unprivileged data access: a page may be
  // execute-only.
  if (!access.privileged && !unprivileged && !fetches)
    return because(
      F_PERMISSION,
      has(PTE.PTE_AP_UNPRIV)
        ? 'is below a table with APTable[0] = 1: privileged only'
        : 'has AP[1] = 0: privileged only',
    );
  if (access.privileged && unprivileged && !fetches && cdHas(CD.CD_PAN))
    return because(F_PERMISSION, 'has AP[1] = 1, and CD.PAN = 1: not for privileged data');
  if (!fetches) return undefined;
  const never = access.privileged ? PTE.PTE_PXN : PTE.PTE_XN;
  const tableNever = access.privileged ? PTE.PTE_TABLE_PXN : PTE.PTE_TABLE_XN;
  const name = access.privileged ? 'PXN' : 'UXN';
  if (has(never)) return because(F_PERMISSION, `has ${name} = 1`);
  if (tablesHave(tableNever))
    return because(F_PERMISSION, `is below a table with ${name}Table = 1`);
  if (writable && cdHas(CD.CD_WXN))
    return because(F_PERMISSION, 'is writable, and CD.WXN = 1: not executable');
  if (access.privileged && writable && unprivileged)
    return because(
      F_PERMISSION,
      'is writable by unprivileged code: not executable by privileged code',
    );
  return undefined;
}

/**
 * Walks the tables of a CD for an access that has been refused, up to the refusal.
 * @param cd a legal one, 16 words, of a stream that is not of EL2.
 * @param load64 reads the word at an address of the tables: an IPA with nesting, a PA
 *   without.
 * @returns undefined when stage 1 permits the access now: tables may have changed in the
 *   meantime.
 */
export function walkRefusal(
  { address, ...access }: RefusedAccess,
  cd: Words,
  ids: JudgingRegisters,
  load64: (address: bigint) => bigint | undefined,
): WalkRefusal | undefined {
  const half = CD_HALVES[((address >> 55n) & 1n) === 0n ? 0 : 1];
  const of = structureReader(cd, 'CD');
  const tbi = fieldOf(cd, half.tbi) !== 0;
  const input = tbi ? BigInt.asUintN(64, BigInt.asIntN(56, address)) : address;
  const tsz = of(`T${half.number}SZ`, half.tsz);
  const inputBits = 64 - tsz.value;
  const beyond = (half.number === 1 ? BigInt.asUintN(64, ~input) : input) >> BigInt(inputBits);
  if (beyond !== 0n)
    return {
      event: F_TRANSLATION,
      text: `${hex(address)} is beyond the ${inputBits} bits of the ${half.name} half, ${told(tsz)}`,
      section: D8,
    };
  const off = of(`EPD${half.number}`, half.off);
  if (off.value !== 0)
    return {
      event: F_TRANSLATION,
      text: `${told(off)}: the ${half.name} half is off`,
      section: '5.4',
    };
  const granule = half.granules[fieldOf(cd, half.tg)] ?? GRANULE_4K;
  const lpa2 = hasLpa2(granule, of('DS', CD.CD_DS), ids);
  const ips = of('IPS', CD.CD_IPS);
  const tables: Tables = { granule, lpa2, outputBits: outputBits(ips, granule, lpa2, ids), ids };
  const hierarchy =
    registerField('', ids.idr3)('', IDR3_HAD).value === 0 || fieldOf(cd, half.had) === 0;
  const base = tableBaseOf(cd, half);
  let level = firstLevel(granule, inputBits);
  let index = inputBits - entryShift(granule, level);
  const align = tables.outputBits === 52 ? Math.max(index + 3, 6) : index + 3;
  let table = (base >> BigInt(align)) << BigInt(align);
  // The field or descriptor that points to the current table.
  let pointer = `CD.TTB${half.number} = ${hex(base)}`;
  let tableBits = 0;
  for (; ; level++, index = SHIFTS[granule] - 3) {
    const shift = entryShift(granule, level);
    const slot = table + (bits(input, shift, index) << 3n);
    const word = load64(slot);
    if (word === undefined)
      return {
        event: F_WALK_EABT,
        text: `${pointer} points to a level-${level} table, of which ${hex(slot)} is not memory`,
        section: '7.3.12',
      };
    const descriptor = fieldOf(cd, CD.CD_ENDI) === 0 ? word : byteSwapped(word);
    const where = `the level-${level} descriptor ${hex(descriptor)} at ${hex(slot)}`;
    const type = bits(descriptor, 0, 2);
    const isTable = level < 3 && type === 3n;
    if (!isTable) {
      if ((type & 1n) === 0n)
        return { event: F_TRANSLATION, text: `${where} is invalid`, section: D8 };
      if (level === 3 ? type !== 3n : !blockAllowed(level, tables))
        return {
          event: F_TRANSLATION,
          text:
            level === 3
              ? `${where} has type 1, reserved at level 3`
              : `${where} is a block, which this level does not allow`,
          section: D8,
        };
    }
    const next = addressIn(descriptor, isTable ? SHIFTS[granule] : shift, tables);
    if (next >> BigInt(tables.outputBits) !== 0n)
      return {
        event: F_ADDR_SIZE,
        text: `${where} names ${hex(next)}, beyond ${tables.outputBits} bits, ${told(ips)}`,
        section: '3.4',
      };
    if (!isTable) return leafRefusal(where, descriptor, tableBits, cd, { address, ...access });
    if (hierarchy) tableBits |= Number(descriptor >> 32n);
    table = next;
    pointer = where;
  }
}
