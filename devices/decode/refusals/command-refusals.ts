// SPDX-License-Identifier: MIT
// Why an SMMU treats a command as illegal (CERROR_ILL; IHI 0070 section 4): the field,
// its value, and the limit that it violates.

import * as CMD from '../../../assembly/layout/commands.ts';
import {
  IDR0_ATS,
  IDR0_HYP,
  IDR0_PRI,
  IDR0_S1P,
  IDR0_S2P,
  IDR0_STALL_MODEL,
  IDR3_RIL,
  IDR5_DS,
  STALL_MODEL_TERMINATE,
} from '../../../assembly/layout/smmu-registers.ts';
import { bitsOf, type Field, fieldOf } from '../../plugin/index.ts';
import { commandTgOf, GRANULE_16K } from '../../tables/index.ts';
import { decodeCommand } from '../decode-commands.ts';
import type { Words } from '../structure.ts';
import {
  type JudgingRegisters,
  type Named,
  type Refusal,
  registerField,
  structureReader,
  told,
} from './refusal.ts';

/**
 * Queues by the commands that they accept: a CMDQ or ECMDQ of a guest, a VCMDQ of a guest
 * (VINTF_CONFIG.HYP_OWN = 0), and the CMDQ of an SMMU, which accepts every command that
 * the SMMU supports.
 */
export type CommandQueueKind = 'guest' | 'vcmdq' | 'own';

/**
 * A group of commands: the ID register fields that all have to support it, and the
 * section that says so.
 */
interface Group {
  readonly opcodes: readonly number[];
  readonly section: string;
  readonly needs?: readonly (readonly [name: string, field: Field])[];
  /** Values of a field that support the commands; default all but 0. */
  readonly has?: (value: number) => boolean;
}

const GROUPS: readonly Group[] = [
  { opcodes: [CMD.OP_CMD_SYNC], section: '4.7.3' },
  { opcodes: [CMD.OP_PREFETCH_CFG, CMD.OP_PREFETCH_ADDR], section: '4.2' },
  { opcodes: [CMD.OP_CFGI_STE, CMD.OP_CFGI_STE_RANGE], section: '4.3' },
  { opcodes: [CMD.OP_TLBI_NSNH_ALL], section: '4.4' },
  {
    opcodes: [CMD.OP_CFGI_CD, CMD.OP_CFGI_CD_ALL],
    section: '4.3',
    needs: [['S1P', IDR0_S1P]],
  },
  {
    opcodes: [CMD.OP_TLBI_NH_ALL, CMD.OP_TLBI_NH_ASID, CMD.OP_TLBI_NH_VA, CMD.OP_TLBI_NH_VAA],
    section: '4.4',
    needs: [['S1P', IDR0_S1P]],
  },
  {
    opcodes: [CMD.OP_TLBI_S12_VMALL, CMD.OP_TLBI_S2_IPA],
    section: '4.4',
    needs: [['S2P', IDR0_S2P]],
  },
  {
    opcodes: [CMD.OP_TLBI_EL2_ALL, CMD.OP_TLBI_EL2_ASID, CMD.OP_TLBI_EL2_VA, CMD.OP_TLBI_EL2_VAA],
    section: '4.4',
    needs: [
      ['HYP', IDR0_HYP],
      ['S1P', IDR0_S1P],
    ],
  },
  { opcodes: [CMD.OP_ATC_INV], section: '4.5.1', needs: [['ATS', IDR0_ATS]] },
  { opcodes: [CMD.OP_PRI_RESP], section: '4.5.2', needs: [['PRI', IDR0_PRI]] },
  {
    opcodes: [CMD.OP_RESUME, CMD.OP_STALL_TERM],
    section: '4.6',
    needs: [['STALL_MODEL', IDR0_STALL_MODEL]],
    has: (value) => value !== STALL_MODEL_TERMINATE,
  },
];

/** The commands that a guest's VCMDQ accepts. */
const ON_VCMDQ: ReadonlySet<number> = new Set([
  CMD.OP_CMD_SYNC,
  CMD.OP_TLBI_NH_ASID,
  CMD.OP_TLBI_NH_VA,
  CMD.OP_TLBI_S12_VMALL,
  CMD.OP_TLBI_S2_IPA,
  CMD.OP_ATC_INV,
]);
/**
 * Commands that a guest's CMDQ refuses regardless of its ID registers: stage 2 and EL2
 * belong to its host.
 */
const NOT_ON_CMDQ: ReadonlySet<number> = new Set([
  CMD.OP_TLBI_S12_VMALL,
  CMD.OP_TLBI_S2_IPA,
  CMD.OP_TLBI_EL2_ALL,
  CMD.OP_TLBI_EL2_ASID,
  CMD.OP_TLBI_EL2_VA,
  CMD.OP_TLBI_EL2_VAA,
]);
const BY_ADDRESS: ReadonlySet<number> = new Set([
  CMD.OP_TLBI_NH_VA,
  CMD.OP_TLBI_NH_VAA,
  CMD.OP_TLBI_S2_IPA,
  CMD.OP_TLBI_EL2_VA,
  CMD.OP_TLBI_EL2_VAA,
]);
/** The granule that has no blocks at level 1 without IDR5.DS. */
const TG_16K = commandTgOf(GRANULE_16K);
const CMDQV = 'Tegra241 CMDQV';

type Read = (name: string, field: Field) => Named;

function* rangeRefusals(words: Words, ids: JudgingRegisters, of: Read): Iterable<Refusal> {
  const tg = of('TG', CMD.TLBI_TG);
  if (tg.value === 0 || bitsOf(ids.idr3, IDR3_RIL) === 0) return;
  const ds = registerField('IDR5', ids.idr5)('DS', IDR5_DS);
  const high = ds.value === 0 ? 0 : fieldOf(words, CMD.TLBI_SCALE_DS);
  if (fieldOf(words, CMD.TLBI_NUM) !== 0 || fieldOf(words, CMD.TLBI_SCALE) !== 0 || high !== 0)
    return;
  const ttl = of('TTL', CMD.TLBI_TTL);
  const reserved = `${told(tg)} with NUM = SCALE = 0 and TTL = ${ttl.value}, which is reserved`;
  if (ttl.value === 0) yield { text: reserved, section: '4.4.1.1' };
  else if (ttl.value === 1 && tg.value === TG_16K && ds.value === 0)
    yield { text: `${reserved}: 16 KiB, and ${told(ds)}`, section: '4.4.1.1' };
}

function* operandRefusals(
  words: Words,
  opcode: number,
  ids: JudgingRegisters,
  queue: CommandQueueKind,
): Iterable<Refusal> {
  const of = structureReader(words, decodeCommand(words).name);
  if (opcode === CMD.OP_CMD_SYNC) {
    const cs = of('CS', CMD.SYNC_CS);
    if (cs.value > CMD.SYNC_CS_SEV) yield { text: `${told(cs)} is reserved`, section: '4.7.3' };
    else if (queue === 'vcmdq' && cs.value !== CMD.SYNC_CS_NONE)
      yield { text: `${told(cs)}, but a VCMDQ has no completion signal`, section: CMDQV };
  }
  if (opcode === CMD.OP_PRI_RESP) {
    const response = of('Resp', CMD.PRI_RESP_RESPONSE);
    if (response.value > CMD.PRI_RESP_SUCCESS)
      yield { text: `${told(response)} is reserved`, section: '4.5.2' };
  }
  if (BY_ADDRESS.has(opcode)) yield* rangeRefusals(words, ids, of);
}

/**
 * Why a command is illegal on a queue.
 * @param words 4 words.
 * @param ids of the SMMU that the queue's owner sees; for a VCMDQ, of the physical SMMU.
 * @returns nothing for a legal command. StreamIDs are not checked: only the host knows
 *   them.
 */
export function* commandRefusals(
  words: Words,
  ids: JudgingRegisters,
  queue: CommandQueueKind,
): Iterable<Refusal> {
  const secure = { name: 'SSec', value: fieldOf(words, CMD.CMD_SSEC) };
  if (secure.value !== 0) {
    yield { text: `${told(secure)}, but the queue is Non-secure`, section: '4.1.6' };
    return;
  }
  const opcode = fieldOf(words, CMD.CMD_OP);
  const hex = `0x${opcode.toString(16)}`;
  const group = GROUPS.find(({ opcodes }) => opcodes.includes(opcode));
  if (!group) {
    yield { text: `Opcode = ${hex} is not a command of this SMMU`, section: '4.1.3' };
    return;
  }
  const { name } = decodeCommand(words);
  if (queue === 'vcmdq' && !ON_VCMDQ.has(opcode)) {
    const text = `Opcode = ${hex}, ${name}, is not for a VCMDQ with VINTF_CONFIG.HYP_OWN = 0`;
    yield { text, section: CMDQV };
    return;
  }
  const { section, needs = [], has = (value) => value !== 0 } = group;
  const read = registerField('IDR0', ids.idr0);
  const lacking = needs.map((one) => read(...one)).find(({ value }) => !has(value));
  if (lacking) yield { text: `Opcode = ${hex}, ${name}, but ${told(lacking)}`, section };
  else if (queue === 'guest' && NOT_ON_CMDQ.has(opcode))
    yield { text: `Opcode = ${hex}, ${name}, is not for a guest's queue`, section };
  else yield* operandRefusals(words, opcode, ids, queue);
}
