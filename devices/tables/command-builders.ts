// SPDX-License-Identifier: MIT
// Commands (IHI 0070 section 4) as four words, ready for a ring.

import {
  ATC_INV_ADDR_HI,
  ATC_INV_ADDR_LO,
  ATC_INV_GLOBAL,
  ATC_INV_SIZE,
  CFGI_LEAF,
  CFGI_RANGE,
  CFGI_RANGE_ALL,
  CMD_OP,
  CMD_SID,
  CMD_SSID,
  CMD_SSV,
  OP_ATC_INV,
  OP_CFGI_CD,
  OP_CFGI_CD_ALL,
  OP_CFGI_STE,
  OP_CFGI_STE_RANGE,
  OP_CMD_SYNC,
  OP_PREFETCH_CFG,
  OP_PRI_RESP,
  OP_RESUME,
  OP_STALL_TERM,
  OP_TLBI_EL2_ALL,
  OP_TLBI_EL2_ASID,
  OP_TLBI_EL2_VA,
  OP_TLBI_EL2_VAA,
  OP_TLBI_NH_ALL,
  OP_TLBI_NH_ASID,
  OP_TLBI_NH_VA,
  OP_TLBI_NH_VAA,
  OP_TLBI_NSNH_ALL,
  OP_TLBI_S2_IPA,
  OP_TLBI_S12_VMALL,
  PRI_RESP_INDEX,
  PRI_RESP_RESPONSE,
  RESUME_AB,
  RESUME_AC,
  RESUME_STAG,
  SYNC_CS,
  SYNC_CS_NONE,
  SYNC_MSH,
  SYNC_MSIADDR_HI,
  SYNC_MSIADDR_LO,
  SYNC_MSIATTR,
  SYNC_MSIDATA,
  TLBI_ADDR_HI,
  TLBI_ADDR_LO,
  TLBI_ASID,
  TLBI_LEAF,
  TLBI_NUM,
  TLBI_SCALE,
  TLBI_TG,
  TLBI_TTL,
  TLBI_VMID,
} from '../../assembly/layout/commands.ts';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import { checkNames, type Field, setField, unknownName } from '../plugin/index.ts';
import { allNamesOf } from '../plugin/known-names.ts';
import {
  checkBoolean,
  checkInteger,
  checkMethods,
  checkOptionalInteger,
} from '../plugin/known-values.ts';
import {
  checkedLater,
  checkOptions,
  flag,
  integerFrom,
  type OptionKinds,
} from '../plugin/option-kinds.ts';
import type { Granule } from './granule.ts';
import { splitAddress, type TableMemory } from './memory.ts';
import { checkAddress, checkWords, setNamedField } from './named-field.ts';
import { COMMAND_TG, checkGranule } from './table-geometry.ts';

/** A range of a TLBI by address; without one, the command covers a single address. */
export interface TlbiRange {
  readonly granule: Granule;
  /** Pages = (num + 1) << scale, num and scale 0 to 31. */
  readonly num: number;
  readonly scale: number;
}

/** Operands of a TLBI by address besides its tags. */
export interface TlbiAddress {
  /** A multiple of 4 KiB. */
  readonly address: number;
  /** Only last-level entries have to be invalidated, default true. */
  readonly leaf?: boolean;
  /** Level of the leaf entry, default 0 unknown. */
  readonly ttl?: number;
  readonly range?: TlbiRange;
}

/** Addresses in commands have no lower bits. */
const PAGE = 0x1000;
/** All of the address space (IHI 0070 section 4.5.1). */
const MAX_ATC_SIZE = 52;

const RANGE = allNamesOf<TlbiRange>({
  granule: true,
  num: true,
  scale: true,
});
const ADDRESS: OptionKinds<TlbiAddress> = {
  address: checkedLater,
  leaf: flag,
  ttl: integerFrom(0, 3),
  range: checkedLater,
};

/** A field, its value, and the value's name in messages. */
type NamedValue = readonly [field: Field, value: number, name: string];

/**
 * @throws {TypeError} when a value is not a number.
 * @throws {RangeError} when it does not fit its field.
 */
function command(opcode: number, values: readonly NamedValue[] = []): Uint32Array {
  const words = new Uint32Array(4);
  setField(words, CMD_OP, opcode);
  for (const [field, value, name] of values) setNamedField(words, field, value, name);
  return words;
}

function byAddress(opcode: number, tags: readonly NamedValue[], target: TlbiAddress): Uint32Array {
  checkOptions(target, ADDRESS, 'a TLBI by address');
  if (target.range !== undefined) checkNames(target.range, RANGE, 'a TLBI by address: range');
  checkAddress(target.address, PAGE, 'a TLBI by address: address');
  const [lo, hi] = splitAddress(target.address);
  const words = command(opcode, tags);
  setField(words, TLBI_LEAF, target.leaf === false ? 0 : 1);
  setField(words, TLBI_TTL, target.ttl ?? 0);
  setField(words, TLBI_ADDR_LO, lo >>> 12);
  setField(words, TLBI_ADDR_HI, hi);
  if (target.range) {
    const { granule, num, scale } = target.range;
    checkGranule(granule, 'a TLBI by address: range.granule');
    setField(words, TLBI_TG, COMMAND_TG[granule]);
    setNamedField(words, TLBI_NUM, num, 'a TLBI by address: range.num');
    setNamedField(words, TLBI_SCALE, scale, 'a TLBI by address: range.scale');
  }
  return words;
}

/** CMD_PREFETCH_CFG: a hint to fetch the configuration of a stream. */
export function prefetchConfig(streamId: number): Uint32Array {
  return command(OP_PREFETCH_CFG, [[CMD_SID, streamId, 'streamId']]);
}

/** CMD_CFGI_STE: a stream's STE has changed; `leaf`: only the last level of its table. */
export function cfgiSte(streamId: number, leaf = true): Uint32Array {
  checkBoolean(leaf, 'cfgiSte: leaf');
  return command(OP_CFGI_STE, [
    [CMD_SID, streamId, 'streamId'],
    [CFGI_LEAF, leaf ? 1 : 0, 'leaf'],
  ]);
}

/**
 * The 2^(range + 1) streams around `streamId`, range 0 to 30; use `cfgiAll` for all
 * streams.
 */
export function cfgiSteRange(streamId: number, range: number): Uint32Array {
  checkInteger(range, 0, CFGI_RANGE_ALL - 1, 'cfgiSteRange: range');
  return command(OP_CFGI_STE_RANGE, [
    [CMD_SID, streamId, 'streamId'],
    [CFGI_RANGE, range, 'range'],
  ]);
}

/** CMD_CFGI_ALL: every STE and CD may have changed. */
export function cfgiAll(): Uint32Array {
  return command(OP_CFGI_STE_RANGE, [[CFGI_RANGE, CFGI_RANGE_ALL, 'range']]);
}

/** CMD_CFGI_CD: the CD of a substream changed; `leaf`: only the last table level. */
export function cfgiCd(streamId: number, substreamId: number, leaf = true): Uint32Array {
  checkBoolean(leaf, 'cfgiCd: leaf');
  return command(OP_CFGI_CD, [
    [CMD_SID, streamId, 'streamId'],
    [CMD_SSID, substreamId, 'substreamId'],
    [CFGI_LEAF, leaf ? 1 : 0, 'leaf'],
  ]);
}

/** CMD_CFGI_CD_ALL: every CD of a stream may have changed. */
export function cfgiCdAll(streamId: number): Uint32Array {
  return command(OP_CFGI_CD_ALL, [[CMD_SID, streamId, 'streamId']]);
}

/** CMD_TLBI_NH_ALL: every stage-1 translation of a VMID. */
export function tlbiNhAll(vmid: number): Uint32Array {
  return command(OP_TLBI_NH_ALL, [[TLBI_VMID, vmid, 'vmid']]);
}

/** CMD_TLBI_NH_ASID: stage-1 translations of an ASID of a VMID that are not global. */
export function tlbiNhAsid(vmid: number, asid: number): Uint32Array {
  return command(OP_TLBI_NH_ASID, [
    [TLBI_VMID, vmid, 'vmid'],
    [TLBI_ASID, asid, 'asid'],
  ]);
}

/** CMD_TLBI_NH_VA: the stage-1 translations of addresses of an ASID, global ones too. */
export function tlbiNhVa(vmid: number, asid: number, target: TlbiAddress): Uint32Array {
  return byAddress(
    OP_TLBI_NH_VA,
    [
      [TLBI_VMID, vmid, 'vmid'],
      [TLBI_ASID, asid, 'asid'],
    ],
    target,
  );
}

/** CMD_TLBI_NH_VAA: the stage-1 translations of addresses of every ASID of a VMID. */
export function tlbiNhVaa(vmid: number, target: TlbiAddress): Uint32Array {
  return byAddress(OP_TLBI_NH_VAA, [[TLBI_VMID, vmid, 'vmid']], target);
}

/** CMD_TLBI_S12_VMALL: every translation of a VMID, of both stages. */
export function tlbiS12Vmall(vmid: number): Uint32Array {
  return command(OP_TLBI_S12_VMALL, [[TLBI_VMID, vmid, 'vmid']]);
}

/** CMD_TLBI_S2_IPA: the stage-2 translations of IPAs of a VMID. */
export function tlbiS2Ipa(vmid: number, target: TlbiAddress): Uint32Array {
  return byAddress(OP_TLBI_S2_IPA, [[TLBI_VMID, vmid, 'vmid']], target);
}

/** Everything of EL2 and EL2-E2H; requires IDR0.HYP, like the other three. */
export function tlbiEl2All(): Uint32Array {
  return command(OP_TLBI_EL2_ALL);
}

/** Everything of EL2-E2H that is tagged with an ASID. */
export function tlbiEl2Asid(asid: number): Uint32Array {
  return command(OP_TLBI_EL2_ASID, [[TLBI_ASID, asid, 'asid']]);
}

/**
 * An address of EL2-E2H, of one ASID and global; with CR2.E2H = 0 of EL2, regardless of
 * the ASID.
 */
export function tlbiEl2Va(asid: number, target: TlbiAddress): Uint32Array {
  return byAddress(OP_TLBI_EL2_VA, [[TLBI_ASID, asid, 'asid']], target);
}

/** An address of EL2-E2H, of every ASID; with CR2.E2H = 0 of EL2. */
export function tlbiEl2Vaa(target: TlbiAddress): Uint32Array {
  return byAddress(OP_TLBI_EL2_VAA, [], target);
}

/** CMD_TLBI_NSNH_ALL: every translation of every VMID. */
export function tlbiNsnhAll(): Uint32Array {
  return command(OP_TLBI_NSNH_ALL);
}

/** Translations that an ATC_INV covers. */
export interface AtcInvalidation {
  readonly streamId: number;
  readonly substreamId?: number;
  /** All substreams. */
  readonly global?: boolean;
  /** Multiple of the span, 4 KiB << size. */
  readonly address: number;
  readonly size: number;
}

const INVALIDATION: OptionKinds<AtcInvalidation> = {
  streamId: checkedLater,
  substreamId: integerFrom(0, 2 ** 20 - 1),
  global: flag,
  address: checkedLater,
  size: checkedLater,
};

/** CMD_ATC_INV: translations that an endpoint caches (ATS). */
export function atcInv(target: AtcInvalidation): Uint32Array {
  checkOptions(target, INVALIDATION, 'atcInv');
  checkInteger(target.size, 0, MAX_ATC_SIZE, 'atcInv: size');
  checkAddress(target.address, PAGE * 2 ** target.size, 'atcInv: address');
  const [lo, hi] = splitAddress(target.address);
  return command(OP_ATC_INV, [
    [CMD_SID, target.streamId, 'atcInv: streamId'],
    [CMD_SSV, target.substreamId === undefined ? 0 : 1, 'atcInv: substreamId'],
    [CMD_SSID, target.substreamId ?? 0, 'atcInv: substreamId'],
    [ATC_INV_GLOBAL, target.global ? 1 : 0, 'atcInv: global'],
    [ATC_INV_SIZE, target.size, 'atcInv: size'],
    [ATC_INV_ADDR_LO, lo >>> 12, 'atcInv: address'],
    [ATC_INV_ADDR_HI, hi, 'atcInv: address'],
  ]);
}

/**
 * Responds to a page request group: PRI_RESP_*. With the SubstreamID of its requests, if
 * they have one.
 */
export function priResp(
  streamId: number,
  group: number,
  response: number,
  substreamId?: number,
): Uint32Array {
  checkOptionalInteger(substreamId, 0, 2 ** 20 - 1, 'priResp: substreamId');
  return command(OP_PRI_RESP, [
    [CMD_SID, streamId, 'streamId'],
    [CMD_SSV, substreamId === undefined ? 0 : 1, 'substreamId'],
    [CMD_SSID, substreamId ?? 0, 'substreamId'],
    [PRI_RESP_INDEX, group, 'group'],
    [PRI_RESP_RESPONSE, response, 'response'],
  ]);
}

/**
 * Result of a stalled transaction: it is translated again, ends with an abort, or reads
 * as zero and ignores writes.
 */
export type ResumeAction = 'retry' | 'abort' | 'razwi';

const ACTIONS: readonly ResumeAction[] = ['retry', 'abort', 'razwi'];

/**
 * Resumes or terminates the stalled transaction of an event record.
 * @throws {TypeError} when there is no such action.
 */
export function resume(streamId: number, stag: number, action: ResumeAction): Uint32Array {
  if (!ACTIONS.includes(action))
    throw new TypeError(unknownName('action', String(action), ACTIONS));
  return command(OP_RESUME, [
    [CMD_SID, streamId, 'streamId'],
    [RESUME_AC, action === 'retry' ? 1 : 0, 'action'],
    [RESUME_AB, action === 'abort' ? 1 : 0, 'action'],
    [RESUME_STAG, stag, 'stag'],
  ]);
}

/** Ends every stalled transaction of a stream with an abort. */
export function stallTerm(streamId: number): Uint32Array {
  return command(OP_STALL_TERM, [[CMD_SID, streamId, 'streamId']]);
}

/** An MSI that a CMD_SYNC with CS = IRQ writes. */
export interface SyncMsi {
  readonly address: number;
  readonly data: number;
}

const MSI = allNamesOf<SyncMsi>({
  address: true,
  data: true,
});

/** CMD_SYNC. The shareability and attributes of its MSI are always set, as in Linux. */
export function sync(
  completion = SYNC_CS_NONE,
  msi: SyncMsi = { address: 0, data: 0 },
): Uint32Array {
  checkNames(msi, MSI, 'sync');
  checkAddress(msi.address, 4, 'sync: address');
  const [lo, hi] = splitAddress(msi.address);
  return command(OP_CMD_SYNC, [
    [SYNC_CS, completion, 'sync: completion'],
    [SYNC_MSH, 3, 'sync'],
    [SYNC_MSIATTR, 0xf, 'sync'],
    [SYNC_MSIDATA, msi.data, 'sync: data'],
    [SYNC_MSIADDR_LO, lo >>> 2, 'sync: address'],
    [SYNC_MSIADDR_HI, hi, 'sync: address'],
  ]);
}

/**
 * Writes a command into entry `index` (already wrapped) of a ring.
 * @throws {TypeError} when the words are not a command of four words, or the index is not
 *   a number.
 * @throws {RangeError} when no ring has such an index.
 */
export function writeCommand(
  memory: TableMemory,
  ringBase: number,
  index: number,
  words: Uint32Array,
): void {
  checkWords(words, CMDQ_ENTRY_SIZE / 4, 'writeCommand: a command');
  checkInteger(index, 0, 2 ** 19 - 1, 'writeCommand: index');
  checkAddress(ringBase, CMDQ_ENTRY_SIZE, 'writeCommand: ringBase');
  checkMethods(memory, ['store64'], 'writeCommand: memory');
  for (let i = 0; i < 4; i += 2) {
    const value = (BigInt(words[i + 1] ?? 0) << 32n) | BigInt(words[i] ?? 0);
    memory.store64(ringBase + index * CMDQ_ENTRY_SIZE + 4 * i, value);
  }
}
