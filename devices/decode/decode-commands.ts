// SPDX-License-Identifier: MIT
// Commands (IHI 0070 section 4).

import * as CMD from '../../assembly/layout/commands.ts';
import { CMDQ_ENTRY_SIZE } from '../../assembly/layout/smmu-registers.ts';
import { fieldOf } from '../plugin/index.ts';
import { checkWordList } from '../plugin/known-words.ts';
import { anyText } from '../plugin/option-kinds.ts';
import { GRANULE_4K, GRANULE_16K, GRANULE_64K } from '../tables/index.ts';
import { granuleText, SHAREABILITY, sizeText } from './meanings.ts';
import { type Decoded, decodeFields, type FieldTexts, type Words } from './structure.ts';

const DOUBLEWORDS = CMDQ_ENTRY_SIZE / 8;

type FieldName = keyof typeof CMD & string;
type Opcode = Extract<keyof typeof CMD, `OP_${string}`>;

const COMMON: readonly FieldName[] = ['CMD_OP', 'CMD_SSEC'];
const STREAM: readonly FieldName[] = ['CMD_SID'];
const SUBSTREAM: readonly FieldName[] = ['CMD_SSV', 'CMD_SSID', 'CMD_SID'];
const RANGE: readonly FieldName[] = [
  'TLBI_NUM',
  'TLBI_SCALE',
  'TLBI_SCALE_DS',
  'TLBI_LEAF',
  'TLBI_TTL',
  'TLBI_TG',
  'TLBI_ADDR_LO',
];

/** The effect of a command, and its operands. */
const COMMANDS: Readonly<Record<Opcode, readonly [does: string, operands: readonly FieldName[]]>> =
  {
    OP_PREFETCH_CFG: ['fetches the configuration of a stream ahead', SUBSTREAM],
    OP_PREFETCH_ADDR: ['fetches translations of a stream ahead', SUBSTREAM],
    OP_CFGI_STE: ['drops the cached configuration of a stream', [...STREAM, 'CFGI_LEAF']],
    OP_CFGI_STE_RANGE: [
      'drops the cached configuration of 2^(Range + 1) streams',
      [...STREAM, 'CFGI_RANGE'],
    ],
    OP_CFGI_CD: ['drops a cached CD', ['CMD_SSID', ...STREAM, 'CFGI_LEAF']],
    OP_CFGI_CD_ALL: ['drops every cached CD of a stream', STREAM],
    OP_CFGI_VMS_PIDM: ['drops the cached PARTID map of a VM', ['TLBI_VMID']],
    OP_TLBI_NH_ALL: ['drops the stage-1 translations of a VMID', ['TLBI_VMID']],
    OP_TLBI_NH_ASID: [
      'drops the stage-1 translations of a VMID and ASID',
      ['TLBI_VMID', 'TLBI_ASID'],
    ],
    OP_TLBI_NH_VA: [
      'drops stage-1 translations of a VMID and ASID by address',
      ['TLBI_VMID', 'TLBI_ASID', ...RANGE],
    ],
    OP_TLBI_NH_VAA: [
      'drops stage-1 translations of a VMID by address, of every ASID',
      ['TLBI_VMID', ...RANGE],
    ],
    OP_TLBI_EL3_ALL: ['drops every EL3 translation', []],
    OP_TLBI_EL3_VA: ['drops EL3 translations by address', RANGE],
    OP_TLBI_EL2_ALL: ['drops every EL2 translation', []],
    OP_TLBI_EL2_ASID: ['drops the EL2 translations of an ASID', ['TLBI_ASID']],
    OP_TLBI_EL2_VA: ['drops EL2 translations of an ASID by address', ['TLBI_ASID', ...RANGE]],
    OP_TLBI_EL2_VAA: ['drops EL2 translations by address, of every ASID', RANGE],
    OP_TLBI_S12_VMALL: ['drops every translation of a VMID, of both stages', ['TLBI_VMID']],
    OP_TLBI_S2_IPA: ['drops stage-2 translations of a VMID by address', ['TLBI_VMID', ...RANGE]],
    OP_TLBI_NSNH_ALL: ['drops every Non-secure EL1 translation, of both stages', []],
    OP_ATC_INV: [
      'drops translations that a device holds',
      ['ATC_INV_GLOBAL', ...SUBSTREAM, 'ATC_INV_SIZE', 'ATC_INV_ADDR_LO'],
    ],
    OP_PRI_RESP: [
      'answers a group of page requests',
      [...SUBSTREAM, 'PRI_RESP_INDEX', 'PRI_RESP_RESPONSE'],
    ],
    OP_RESUME: [
      'lets a stalled transaction go on, or ends it',
      ['RESUME_AC', 'RESUME_AB', ...STREAM, 'RESUME_STAG'],
    ],
    OP_STALL_TERM: ['ends the stalled transactions of a stream', STREAM],
    OP_CMD_SYNC: [
      'completes when the commands before it have',
      ['SYNC_CS', 'SYNC_MSH', 'SYNC_MSIATTR', 'SYNC_MSIDATA', 'SYNC_MSIADDR_LO'],
    ],
  };

const OPCODE_OF: Readonly<Record<Opcode, number>> = CMD;
const OPCODES = new Map((Object.keys(COMMANDS) as Opcode[]).map((name) => [OPCODE_OF[name], name]));

/**
 * The effect of a command, by the name that `decodeCommand` uses; undefined when there is
 * none.
 * @throws {TypeError} when the name is not a string.
 */
export function commandSummary(name: string): string | undefined {
  anyText(name, 'commandSummary', 'name');
  return Object.entries(COMMANDS).find(([opcode]) => opcode === `OP_${name}`)?.[1][0];
}

const hasRange = (words: Words) => fieldOf(words, CMD.TLBI_TG) !== 0;
const signalsByMsi = (words: Words) => fieldOf(words, CMD.SYNC_CS) === CMD.SYNC_CS_IRQ;
const hasSubstream = (words: Words) =>
  fieldOf(words, CMD.CMD_OP) === CMD.OP_CFGI_CD || fieldOf(words, CMD.CMD_SSV) !== 0;
const coversAll = (words: Words) =>
  fieldOf(words, CMD.CMD_OP) === CMD.OP_CFGI_STE_RANGE &&
  fieldOf(words, CMD.CFGI_RANGE) === CMD.CFGI_RANGE_ALL;
const GRANULES = [undefined, GRANULE_4K, GRANULE_16K, GRANULE_64K] as const;

function pages(words: Words): string {
  const granule = GRANULES[fieldOf(words, CMD.TLBI_TG)];
  if (granule === undefined) return 'one address';
  const count = (fieldOf(words, CMD.TLBI_NUM) + 1) * 2 ** fieldOf(words, CMD.TLBI_SCALE);
  return `${count} ${count === 1 ? 'page' : 'pages'} of ${granuleText(granule)}`;
}

function leaf(value: number): string {
  return value === 0 ? 'the tables above it as well' : 'the last level only';
}

function atcSpan(size: number): string {
  return size >= CMD.ATC_INV_SIZE_ALL ? 'everything' : sizeText(2 ** (12 + size));
}

const TEXTS: FieldTexts<typeof CMD> = {
  CMD_OP: {
    name: 'Opcode',
    means: (value) => OPCODES.get(value)?.replace(/^OP_/, '') ?? 'reserved: CERROR_ILL',
  },
  CMD_SSEC: { name: 'SSec', means: ['Non-secure stream', 'Secure stream: CERROR_ILL'] },
  CMD_SSV: { means: ['no SubstreamID', 'SubstreamID valid'] },
  CMD_SSID: { name: 'SubstreamID', used: hasSubstream },
  CMD_SID: { name: 'StreamID', used: (words) => !coversAll(words) },
  CFGI_LEAF: { name: 'Leaf', means: leaf },
  CFGI_RANGE: {
    name: 'Range',
    means: (value) =>
      value === CMD.CFGI_RANGE_ALL ? 'every stream' : `${2 ** (value + 1)} streams`,
  },
  TLBI_NUM: { means: (_value, words) => pages(words), used: hasRange },
  TLBI_SCALE: { used: hasRange },
  TLBI_SCALE_DS: { name: 'SCALE[5]', means: ['', 'where the SMMU has IDR5.DS'], used: hasRange },
  TLBI_LEAF: { name: 'Leaf', means: leaf },
  TLBI_TTL: {
    means: (value) => (value === 0 ? 'any level' : `leaf at level ${value}`),
    used: hasRange,
  },
  TLBI_TG: {
    means: (value) =>
      value === 0
        ? 'one address'
        : `a range of ${granuleText(GRANULES[value] ?? GRANULE_4K)} pages`,
  },
  TLBI_ADDR_LO: { name: 'Address' },
  ATC_INV_GLOBAL: { name: 'Global', means: ['', 'of every SubstreamID'], used: hasSubstream },
  ATC_INV_SIZE: { name: 'Size', means: atcSpan },
  ATC_INV_ADDR_LO: { name: 'Address' },
  PRI_RESP_INDEX: { name: 'PRGIndex' },
  PRI_RESP_RESPONSE: {
    name: 'Resp',
    means: ['Response Failure', 'Invalid Request', 'Success', 'reserved: CERROR_ILL'],
  },
  RESUME_AC: { name: 'Ac', means: ['terminate', 'retry'] },
  RESUME_AB: {
    name: 'Ab',
    means: ['reads give 0', 'abort'],
    used: (words) => fieldOf(words, CMD.RESUME_AC) === 0,
  },
  SYNC_CS: { means: ['no signal', 'MSI, or the wired interrupt', 'SEV', 'reserved: CERROR_ILL'] },
  SYNC_MSH: { means: SHAREABILITY, used: signalsByMsi },
  SYNC_MSIATTR: { name: 'MSIAttr', used: signalsByMsi },
  SYNC_MSIDATA: { name: 'MSIData', used: signalsByMsi },
  SYNC_MSIADDR_LO: { name: 'MSIAddress', used: signalsByMsi },
};

/**
 * Decodes a command: 4 words. Its legality also depends on the ID registers: a command
 * that decodes may still be CERROR_ILL.
 * @throws {TypeError|RangeError} unless the words are 32-bit integers.
 */
export function decodeCommand(words: Words): Decoded {
  checkWordList(words, 'decodeCommand: words');
  const opcode = OPCODES.get(fieldOf(words, CMD.CMD_OP));
  const [does, operands] = opcode
    ? COMMANDS[opcode]
    : ['no command has this opcode: CERROR_ILL', []];
  const fields = decodeFields(words, DOUBLEWORDS, CMD, [...COMMON, ...operands], TEXTS);
  if (opcode === undefined) return { name: 'reserved', summary: does, fields };
  if (coversAll(words))
    return { name: 'CFGI_ALL', summary: 'drops the cached configuration of every stream', fields };
  return { name: opcode.replace(/^OP_/, ''), summary: does, fields };
}
