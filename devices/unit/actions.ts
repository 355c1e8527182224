// SPDX-License-Identifier: MIT
// The commands that each kind of queue accepts, and their actions. They are written to
// host memory once, where the drain looks up each opcode.
//
// The tables depend on the physical SMMU's ID registers in every role (IHI 0070 section
// 4.1.3 onwards), and so do VMIDs and StreamIDs: a command without a VMID, from a guest
// whose SMMU has no stage 2, must never affect every VM. A queue that a guest sees as its
// own SMMU's (trapped or overlaid CMDQ, ECMDQs) also refuses what that SMMU lacks, by
// `lackedBy`; a VCMDQ does not, as in hardware.

import {
  ACTION_ATC_INV,
  ACTION_CFGI_CD,
  ACTION_CFGI_CD_ALL,
  ACTION_CFGI_STE,
  ACTION_CFGI_STE_RANGE,
  ACTION_HOST,
  ACTION_ILLEGAL,
  ACTION_NONE,
  ACTION_PRI_RESP,
  ACTION_RESUME,
  ACTION_STALL_TERM,
  ACTION_SYNC,
  ACTION_TLBI_EL2_ALL,
  ACTION_TLBI_EL2_ASID,
  ACTION_TLBI_EL2_VA,
  ACTION_TLBI_EL2_VAA,
  ACTION_TLBI_NH_ALL,
  ACTION_TLBI_NH_ASID,
  ACTION_TLBI_NH_VA,
  ACTION_TLBI_NH_VAA,
  ACTION_TLBI_NSNH_ALL,
  ACTION_TLBI_S2_IPA,
  ACTION_TLBI_S12_VMALL,
  ACTIONS_STRIDE,
  SMMU_AT_ACTIONS,
} from '../../assembly/layout/action-memory.ts';
import {
  OP_ATC_INV,
  OP_CFGI_CD,
  OP_CFGI_CD_ALL,
  OP_CFGI_STE,
  OP_CFGI_STE_RANGE,
  OP_CMD_SYNC,
  OP_PREFETCH_ADDR,
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
} from '../../assembly/layout/commands.ts';
import { LACKS_RANGES } from '../../assembly/layout/context-memory.ts';
import {
  QUEUE_KIND_ECMDQ,
  QUEUE_KIND_GUEST_CMDQ,
  QUEUE_KIND_MAIN,
  QUEUE_KIND_OVERLAY,
  QUEUE_KIND_VCMDQ_GUEST,
  QUEUE_KIND_VCMDQ_HYP,
  QUEUE_KINDS,
} from '../../assembly/layout/queue-memory.ts';
import {
  IDR0_ATS,
  IDR0_HYP,
  IDR0_PRI,
  IDR0_S1P,
  IDR0_S2P,
  IDR0_STALL_MODEL,
  IDR3_RIL,
  STALL_MODEL_TERMINATE,
} from '../../assembly/layout/smmu-registers.ts';
import { bitsOf, maskInWord } from '../plugin/index.ts';
import { checkInteger } from '../plugin/known-values.ts';
import { checkWord } from '../plugin/known-words.ts';
import { checkBlock } from './host-memory-check.ts';
import { smmuBase } from './unit.ts';

type Actions = ReadonlyMap<number, number>;

/**
 * Commands on a queue that a guest writes: VMID and StreamID are substituted, so these
 * are safe with any contents.
 */
function invalidations(idr0: number): [number, number][] {
  const actions: [number, number][] = [[OP_CMD_SYNC, ACTION_SYNC]];
  if (bitsOf(idr0, IDR0_S1P))
    actions.push([OP_TLBI_NH_ASID, ACTION_TLBI_NH_ASID], [OP_TLBI_NH_VA, ACTION_TLBI_NH_VA]);
  if (bitsOf(idr0, IDR0_S2P))
    actions.push([OP_TLBI_S12_VMALL, ACTION_TLBI_S12_VMALL], [OP_TLBI_S2_IPA, ACTION_TLBI_S2_IPA]);
  if (bitsOf(idr0, IDR0_ATS)) actions.push([OP_ATC_INV, ACTION_ATC_INV]);
  return actions;
}

/** Responses to stalled transactions, if there can be any. */
function stallAnswers(idr0: number): [number, number][] {
  if (bitsOf(idr0, IDR0_STALL_MODEL) === STALL_MODEL_TERMINATE) return [];
  return [
    [OP_RESUME, ACTION_RESUME],
    [OP_STALL_TERM, ACTION_STALL_TERM],
  ];
}

function hypervisorActions(idr0: number): Actions {
  const actions = new Map([...invalidations(idr0), ...stallAnswers(idr0)]);
  if (bitsOf(idr0, IDR0_PRI)) actions.set(OP_PRI_RESP, ACTION_PRI_RESP);
  actions.set(OP_PREFETCH_CFG, ACTION_NONE).set(OP_PREFETCH_ADDR, ACTION_NONE);
  actions.set(OP_CFGI_STE, ACTION_CFGI_STE).set(OP_CFGI_STE_RANGE, ACTION_CFGI_STE_RANGE);
  actions.set(OP_TLBI_NSNH_ALL, ACTION_TLBI_NSNH_ALL);
  if (bitsOf(idr0, IDR0_S1P)) {
    actions.set(OP_CFGI_CD, ACTION_CFGI_CD).set(OP_CFGI_CD_ALL, ACTION_CFGI_CD_ALL);
    actions.set(OP_TLBI_NH_ALL, ACTION_TLBI_NH_ALL).set(OP_TLBI_NH_VAA, ACTION_TLBI_NH_VAA);
  }
  if (bitsOf(idr0, IDR0_S1P) && bitsOf(idr0, IDR0_HYP)) {
    actions.set(OP_TLBI_EL2_ALL, ACTION_TLBI_EL2_ALL).set(OP_TLBI_EL2_ASID, ACTION_TLBI_EL2_ASID);
    actions.set(OP_TLBI_EL2_VA, ACTION_TLBI_EL2_VA).set(OP_TLBI_EL2_VAA, ACTION_TLBI_EL2_VAA);
  }
  return actions;
}

/**
 * The trapped CMDQ, and the ECMDQs, of a guest whose vSMMU has stage 1 only: the commands
 * that iommufd forwards, and those that the vSMMU executes.
 */
function trappedActions(idr0: number): Actions {
  const actions = new Map(stallAnswers(idr0));
  for (const op of [
    OP_PREFETCH_CFG,
    OP_PREFETCH_ADDR,
    OP_CFGI_STE,
    OP_CFGI_STE_RANGE,
    OP_CFGI_CD,
    OP_CFGI_CD_ALL,
  ])
    actions.set(op, ACTION_HOST);
  actions
    .set(OP_CMD_SYNC, ACTION_SYNC)
    .set(OP_TLBI_NH_ALL, ACTION_TLBI_NH_ALL)
    .set(OP_TLBI_NH_ASID, ACTION_TLBI_NH_ASID);
  actions.set(OP_TLBI_NH_VA, ACTION_TLBI_NH_VA).set(OP_TLBI_NH_VAA, ACTION_TLBI_NH_VAA);
  // A guest's "everything" means everything of its VMID.
  actions.set(OP_TLBI_NSNH_ALL, ACTION_TLBI_NH_ALL);
  if (bitsOf(idr0, IDR0_ATS)) actions.set(OP_ATC_INV, ACTION_ATC_INV);
  if (bitsOf(idr0, IDR0_PRI)) actions.set(OP_PRI_RESP, ACTION_PRI_RESP);
  return actions;
}

/**
 * The same queue when nothing of it traps: it executes the hardware's part, including
 * responses to stalled transactions, which no iommufd invalidation carries. For other
 * commands it waits for its host.
 */
function overlayActions(idr0: number): Actions {
  const hardware = new Map([...invalidations(idr0), ...stallAnswers(idr0)]);
  return new Map(
    [...trappedActions(idr0)].map(([opcode, action]) => [
      opcode,
      hardware.has(opcode) || opcode === OP_PRI_RESP ? action : ACTION_HOST,
    ]),
  );
}

/**
 * The action of each legal opcode on a queue of this kind, with a physical SMMU of this
 * IDR0.
 * @throws {TypeError|RangeError} when there is no such kind, or IDR0 is not a 32-bit
 *   word.
 */
export function actionsOf(kind: number, idr0: number): Actions {
  checkInteger(kind, 0, QUEUE_KINDS - 1, 'actionsOf: kind');
  checkWord(idr0, 'actionsOf: idr0');
  switch (kind) {
    case QUEUE_KIND_MAIN:
    case QUEUE_KIND_VCMDQ_HYP:
      return hypervisorActions(idr0);
    case QUEUE_KIND_VCMDQ_GUEST:
      return new Map(invalidations(idr0));
    case QUEUE_KIND_GUEST_CMDQ:
    case QUEUE_KIND_ECMDQ:
      return trappedActions(idr0);
    case QUEUE_KIND_OVERLAY:
      return overlayActions(idr0);
    default:
      throw new RangeError(`no queue kind ${kind}`);
  }
}

/** The ID registers that determine which commands an SMMU supports. */
interface CommandIds {
  readonly idr0: number;
  readonly idr3: number;
}

/** A bit of CTX_LACKS. */
export interface LackedCommand {
  readonly mask: number;
  readonly command: string;
  /** The feature that the SMMU would have to advertise. */
  readonly needs: string;
}

interface Requirement {
  readonly needs: string;
  has(ids: CommandIds): boolean;
  readonly commands: Readonly<Record<string, number>>;
}

const action = (code: number) => 1 << code;
const REQUIREMENTS: readonly Requirement[] = [
  {
    needs: 'IDR0.S2P',
    has: ({ idr0 }) => bitsOf(idr0, IDR0_S2P) !== 0,
    commands: {
      TLBI_S12_VMALL: action(ACTION_TLBI_S12_VMALL),
      TLBI_S2_IPA: action(ACTION_TLBI_S2_IPA),
    },
  },
  {
    needs: 'IDR0.ATS',
    has: ({ idr0 }) => bitsOf(idr0, IDR0_ATS) !== 0,
    commands: { ATC_INV: action(ACTION_ATC_INV) },
  },
  {
    needs: 'IDR0.PRI',
    has: ({ idr0 }) => bitsOf(idr0, IDR0_PRI) !== 0,
    commands: { PRI_RESP: action(ACTION_PRI_RESP) },
  },
  {
    needs: 'IDR0.STALL_MODEL other than 1',
    has: ({ idr0 }) => stallAnswers(idr0).length > 0,
    commands: { RESUME: action(ACTION_RESUME), STALL_TERM: action(ACTION_STALL_TERM) },
  },
  {
    needs: 'IDR3.RIL',
    has: ({ idr3 }) => bitsOf(idr3, IDR3_RIL) !== 0,
    commands: { 'a TLBI with a range': maskInWord(LACKS_RANGES) },
  },
];

/**
 * What an SMMU with these ID registers lacks, in the format of CTX_LACKS: commands that
 * it refuses regardless of the physical SMMU, and ranges that it ignores.
 * @throws {TypeError|RangeError} when one of them is not a 32-bit word.
 */
export function lackedBy(ids: CommandIds): number {
  checkWord(ids?.idr0, 'lackedBy: ids.idr0');
  checkWord(ids.idr3, 'lackedBy: ids.idr3');
  const masks = REQUIREMENTS.filter(({ has }) => !has(ids)).flatMap(({ commands }) =>
    Object.values(commands),
  );
  return masks.reduce((word, mask) => (word | mask) >>> 0, 0);
}

/**
 * The bits of a CTX_LACKS word by name.
 * @throws {TypeError|RangeError} unless it is a 32-bit word.
 */
export function lackedCommands(lacks: number): LackedCommand[] {
  checkWord(lacks, 'lackedCommands: lacks');
  return REQUIREMENTS.flatMap(({ needs, commands }) =>
    Object.entries(commands).map(([command, mask]) => ({ mask, command, needs })),
  ).filter(({ mask }) => (lacks & mask) !== 0);
}

/**
 * Writes the action tables of one SMMU to host memory.
 * @throws {TypeError|RangeError} when the memory is not a memory, or has no such SMMU, or
 *   IDR0 is not a 32-bit word.
 */
export function writeActions(
  hostMemory: WebAssembly.Memory,
  smmuIndex: number,
  idr0: number,
): void {
  checkBlock(hostMemory, smmuIndex, 0, 1, 'writeActions');
  checkWord(idr0, 'writeActions: idr0');
  const bytes = new Uint8Array(
    hostMemory.buffer,
    smmuBase(smmuIndex) + SMMU_AT_ACTIONS,
    QUEUE_KINDS * ACTIONS_STRIDE,
  );
  bytes.fill(ACTION_ILLEGAL);
  for (let kind = 0; kind < QUEUE_KINDS; kind++) {
    for (const [opcode, action] of actionsOf(kind, idr0))
      bytes[kind * ACTIONS_STRIDE + opcode] = action;
  }
}
