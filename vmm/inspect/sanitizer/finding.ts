// SPDX-License-Identifier: MIT
// Findings of the sanitizer: what was stale, what has changed, and the missing command.

import { SUSPECT_ABORTS } from '../../../assembly/layout/check-memory.ts';
import { C_BAD_SUBSTREAMID } from '../../../assembly/layout/events.ts';
import {
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_SIZE,
  TLB_META_VMID,
  TLB_PERM_PX,
  TLB_PERM_R,
  TLB_PERM_UNPRIV,
  TLB_PERM_UX,
  TLB_PERM_W,
} from '../../../assembly/layout/iotlb-memory.ts';
import { STE_S1FMT, STE_S1FMT_LINEAR } from '../../../assembly/layout/ste.ts';
import { VMID_E2H, VMID_EL2 } from '../../../assembly/layout/vmid-memory.ts';
import { decodeCommand } from '../../../devices/decode/index.ts';
import { bitsOf } from '../../../devices/plugin/index.ts';
import type { StaleLevel1, StaleSte } from '../../../devices/smmuv3/index.ts';
import {
  cfgiCd,
  cfgiSte,
  eventType,
  tlbiEl2Va,
  tlbiNhVa,
  tlbiNhVaa,
  tlbiS2Ipa,
  tlbiS12Vmall,
} from '../../../devices/tables/index.ts';
import { missedChange } from './structure-changes.ts';
import type { ConfigSuspect, Level1Change, Suspect, TranslationSuspect } from './suspect.ts';

/** A doubleword that has changed. */
export interface Change {
  /** The structure that it belongs to. */
  readonly what:
    | 'stage-1 descriptor'
    | 'stage-2 descriptor'
    | 'STE'
    | 'CD'
    | 'level-1 stream table descriptor'
    | 'level-1 CD descriptor';
  /**
   * Its address: an IPA for stage 1 and CDs if there is a stage 2. Absent when it is not
   * known.
   */
  readonly address?: string;
  /** For an STE or CD: the number of its doubleword, from 0. */
  readonly doubleword?: number;
  readonly old: string;
  readonly now: string;
}

/**
 * A cached entry that was used although memory has changed, and that no command has
 * invalidated. Plain data; 64-bit values are hexadecimal.
 */
export interface Finding {
  /**
   * The cache: the configuration cache contains STE and CD; a table is one that a walk
   * may have cached.
   */
  readonly kind: 'IOTLB' | 'table' | 'STE' | 'CD';
  /**
   * Why it is a finding although this model has dropped the entry, or never had it: what
   * the architecture does not guarantee. Absent for an entry that was used.
   */
  readonly because?: string;
  /**
   * Name of the machine that the stream belongs to; absent for the host's own streams.
   * StreamIDs and VMIDs are as numbered by the machine.
   */
  readonly machine?: string;
  readonly streamId: number;
  readonly substreamId?: number;
  /** Address of the access that used the entry. */
  readonly iova: string;
  /**
   * For an IOTLB entry or a table: its tags, its input address and size, and its output.
   */
  readonly entry?: {
    /** 0x10000 and 0x10001 for EL2 and EL2-E2H, which have none. */
    readonly vmid: number;
    /** Absent for global entries and for those of stage 2 only. */
    readonly asid?: number;
    readonly address: string;
    readonly size: number;
    /** Absent for a table. */
    readonly pa?: string;
    readonly permissions?: string;
  };
  /**
   * The result of a walk now: an address and permissions, the name of an event, or
   * `abort`.
   */
  readonly now: string;
  readonly changes: readonly Change[];
  /** The missing command, in the forms of `vsmmu decode cmd` and of a ring. */
  readonly command: { readonly text: string; readonly doublewords: readonly [string, string] };
  /** All of it in one line. */
  readonly text: string;
}

/** The owner of a stream, and its number there. */
export interface StreamOwner {
  readonly machine: string;
  readonly streamId: number;
}

const hex = (value: number | bigint) => `0x${value.toString(16)}`;
const hex64 = (value: bigint) => `0x${value.toString(16).padStart(16, '0')}`;

/**
 * TLB_PERM_* as text: `rw` for both, `x` for any execution, `-` for none; `p` when
 * unprivileged access is not allowed.
 */
function permissionText(permissions: number): string {
  const letters = [
    [TLB_PERM_R, 'r'],
    [TLB_PERM_W, 'w'],
    [TLB_PERM_PX | TLB_PERM_UX, 'x'],
  ] as const;
  const text = letters.map(([bits, letter]) => (permissions & bits ? letter : '')).join('');
  return `${text || '-'}${permissions & TLB_PERM_UNPRIV ? '' : ' privileged'}`;
}

function outcomeText(outcome: number): string {
  return outcome === SUSPECT_ABORTS ? 'abort' : (eventType(outcome)?.name ?? hex(outcome));
}

/** A command with its operands, in the format of `vsmmu decode`. */
function commandOf(words: Uint32Array): Finding['command'] {
  const { name, fields } = decodeCommand(words);
  const operands = fields.filter(
    (field) => !field.ignored && !['Opcode', 'SSec', 'SSV', 'TTL', 'TG'].includes(field.name),
  );
  const doubleword = (i: number) =>
    [words[i + 1] ?? 0, words[i] ?? 0].map((word) => word.toString(16).padStart(8, '0')).join('');
  return {
    text: [name, ...operands.map((field) => `${field.name}=${hex(field.value)}`)].join(' '),
    doublewords: [doubleword(0), doubleword(2)],
  };
}

function missingTlbi(suspect: TranslationSuspect, vmid: number): Uint32Array {
  const { meta, asidPerm, config, stage2, leaf } = suspect;
  const size = bitsOf(meta, TLB_META_SIZE);
  const target = {
    address: Number(BigInt.asUintN(64, suspect.page << BigInt(size))),
    leaf: leaf !== undefined && suspect.shadow !== 'table',
  };
  const onlyStage2 = bitsOf(meta, TLB_META_S2) !== 0;
  if (vmid === VMID_EL2 || vmid === VMID_E2H) return tlbiEl2Va(asidPerm & 0xffff, target);
  if (onlyStage2) return tlbiS2Ipa(vmid, target);
  // An entry of both stages is stored by VA: TLBI_S2_IPA need not find it (IHI 0070
  // section 3.17).
  if (stage2 && config !== 5) return tlbiS12Vmall(vmid);
  return bitsOf(meta, TLB_META_GLOBAL)
    ? tlbiNhVaa(vmid, target)
    : tlbiNhVa(vmid, asidPerm & 0xffff, target);
}

function changesOf(
  what: 'STE' | 'CD',
  old: readonly bigint[] | undefined,
  now: readonly bigint[],
  address?: bigint,
): Change[] {
  return now.flatMap((value, doubleword) => {
    const before = old?.[doubleword];
    if (before === undefined || before === value) return [];
    const place = address === undefined ? {} : { address: hex(address + BigInt(8 * doubleword)) };
    return [{ what, ...place, doubleword, old: hex64(before), now: hex64(value) }];
  });
}

function changeText({ what, address, doubleword, old, now }: Change): string {
  const part = doubleword === undefined ? '' : ` doubleword ${doubleword}`;
  const place = address === undefined ? '' : ` at ${address}`;
  return `${what}${part}${place} was ${old}, is ${now}`;
}

/** Completes a finding with its one-line text. */
function finish(parts: Omit<Finding, 'text'>): Finding {
  const { kind, machine, streamId, substreamId, iova, entry, now, changes, command } = parts;
  const because = parts.because === undefined ? [] : [parts.because];
  const substream = substreamId === undefined ? '' : ` SubstreamID ${hex(substreamId)}`;
  const stream = `StreamID ${hex(streamId)}${substream}`;
  const asid = entry?.asid === undefined ? '' : ` ASID ${hex(entry.asid)}`;
  const stage = changes.some(({ what }) => what === 'stage-2 descriptor') ? 2 : 1;
  const name = kind === 'table' ? `stage-${stage} table` : 'IOTLB entry';
  const target = entry?.pa === undefined ? '' : ` to ${entry.pa} ${entry.permissions}`;
  const subject =
    entry === undefined
      ? `stale ${kind} of ${stream}, used for iova ${iova}`
      : `stale ${name}, ${stream} VMID ${hex(entry.vmid)}${asid}, ` +
        `${hex(entry.size)} bytes at ${entry.address}${target}, used for iova ${iova}`;
  const why =
    changes.length === 0 ? ['which doubleword has changed is not known'] : changes.map(changeText);
  const text = [
    `${machine === undefined ? '' : `${machine}: `}${subject}`,
    `now ${now}`,
    ...because,
    ...why,
    `missing: ${command.text}`,
  ].join('; ');
  return { ...parts, text };
}

function streamOf(
  { sid, ssid, iova }: Pick<Suspect, 'sid' | 'ssid' | 'iova'>,
  owner: StreamOwner | undefined,
) {
  return {
    ...(owner ? { machine: owner.machine } : {}),
    streamId: owner?.streamId ?? sid,
    ...(ssid === undefined ? {} : { substreamId: ssid }),
    iova: hex(iova),
  };
}

const MAY_BE_CACHED = {
  leaf: 'an SMMU may still have it: no TLBI has named its address, its granule (TG) and its level (TTL)',
  table: 'an SMMU may still have it: no TLBI with Leaf=0 has named its address',
};

function translationFinding(suspect: TranslationSuspect, owner: StreamOwner | undefined): Finding {
  const { meta, asidPerm, page, pa, stage2, leaf, outcome } = suspect;
  const size = bitsOf(meta, TLB_META_SIZE);
  const vmid = bitsOf(meta, TLB_META_VMID);
  const tagged = !bitsOf(meta, TLB_META_GLOBAL) && !bitsOf(meta, TLB_META_S2);
  const address = leaf && leaf.address !== 0n ? { address: hex(leaf.address) } : {};
  const what = stage2 ? 'stage-2 descriptor' : 'stage-1 descriptor';
  const isTable = suspect.shadow === 'table';
  // A machine's own SMMU has stage 1 only, and no VMIDs; stage 2 is invalidated by its
  // host.
  const command = missingTlbi(suspect, owner && !stage2 ? 0 : vmid);
  return finish({
    kind: isTable ? 'table' : 'IOTLB',
    ...(suspect.shadow ? { because: MAY_BE_CACHED[suspect.shadow] } : {}),
    ...streamOf(suspect, owner),
    entry: {
      vmid,
      ...(tagged ? { asid: asidPerm & 0xffff } : {}),
      address: hex(BigInt.asUintN(64, page << BigInt(size))),
      size: 2 ** size,
      ...(isTable ? {} : { pa: hex(pa), permissions: permissionText(asidPerm) }),
    },
    now:
      outcome === 0
        ? `${hex(suspect.newPa)} ${permissionText(suspect.newPermissions)}`
        : outcomeText(outcome),
    changes: leaf ? [{ what, ...address, old: hex64(leaf.old), now: hex64(leaf.now) }] : [],
    command: commandOf(command),
  });
}

/** Why a change of an STE or CD in one step is a finding. */
export const BETWEEN_STEPS =
  'two doublewords in use have changed with one CFGI: an SMMU may have had the old one and the new one';

const LEVEL1 = {
  STE: {
    what: 'level-1 stream table descriptor',
    because:
      'an SMMU may still have the level-1 descriptor: no CFGI_STE with Leaf=0 has named a StreamID of it',
  },
  CD: {
    what: 'level-1 CD descriptor',
    because:
      'an SMMU may still have the level-1 descriptor: no CFGI_CD with Leaf=0 has named a SubstreamID of it',
  },
} as const;

function level1Changes(level1: Level1Change | undefined): Change[] {
  if (!level1) return [];
  const { of, address, old, now } = level1;
  return [{ what: LEVEL1[of].what, address: hex(address), old: hex64(old), now: hex64(now) }];
}

function becauseOf({ readings, level1, level1Alone }: ConfigSuspect): string | undefined {
  if (level1 && level1Alone) return LEVEL1[level1.of].because;
  if (!readings) return undefined;
  return readings.cfgis === 0
    ? `an SMMU may have cached that it was ${outcomeText(readings.before)}`
    : BETWEEN_STEPS;
}

function configFinding(suspect: ConfigSuspect, owner: StreamOwner | undefined): Finding {
  const { ste, cd, outcome, level1, level1Alone } = suspect;
  const kind = missedChange(suspect) ?? suspect.kind;
  const stream = streamOf(suspect, owner);
  const because = becauseOf(suspect);
  const structures =
    kind === 'STE' ? changesOf('STE', ste.old, ste.now) : changesOf('CD', cd.old, cd.now);
  // CFGI_STE also invalidates what the STE leads to, so Leaf is then about the stream
  // table only.
  const leaf = level1?.of !== kind && !(kind === 'CD' && wantsTable(suspect));
  return finish({
    kind,
    ...(because === undefined ? {} : { because }),
    ...stream,
    now: outcome === 0 ? 'another configuration' : outcomeText(outcome),
    changes: [...level1Changes(level1), ...(level1Alone ? [] : structures)],
    command: commandOf(
      kind === 'STE'
        ? cfgiSte(stream.streamId, leaf)
        : cfgiCd(stream.streamId, suspect.ssid ?? 0, leaf),
    ),
  });
}

/**
 * A level-1 CD descriptor has become valid: CFGI_CD with Leaf = 1 would leave it cached.
 */
function wantsTable({ ste, readings }: ConfigSuspect): boolean {
  const low = Number((ste.now[0] ?? 0n) & 0xffff_ffffn);
  return readings?.before === C_BAD_SUBSTREAMID && bitsOf(low, STE_S1FMT) !== STE_S1FMT_LINEAR;
}

/** @param owner undefined for a stream of the host itself. */
export function findingOf(suspect: Suspect, owner: StreamOwner | undefined): Finding {
  return suspect.kind === 'IOTLB'
    ? translationFinding(suspect, owner)
    : configFinding(suspect, owner);
}

/**
 * A guest's stream whose STE differs from the one that its SMMU has read, or was changed
 * with one CFGI too few.
 */
export function guestSteFinding(
  owner: StreamOwner,
  iova: number,
  { address, old, now }: Pick<StaleSte, 'address' | 'old' | 'now'>,
  because?: string,
): Finding {
  return finish({
    kind: 'STE',
    ...(because === undefined ? {} : { because }),
    machine: owner.machine,
    streamId: owner.streamId,
    iova: hex(iova),
    now: 'another configuration',
    changes: changesOf('STE', old, now, BigInt(address)),
    command: commandOf(cfgiSte(owner.streamId)),
  });
}

/**
 * A guest's stream whose level-1 descriptor differs from the one that its SMMU may have
 * cached.
 */
export function guestLevel1Finding(
  owner: StreamOwner,
  iova: number,
  { address, old, now }: StaleLevel1,
): Finding {
  return finish({
    kind: 'STE',
    because: LEVEL1.STE.because,
    machine: owner.machine,
    streamId: owner.streamId,
    iova: hex(iova),
    now: 'another configuration',
    changes: level1Changes({ of: 'STE', address: BigInt(address), old, now }),
    command: commandOf(cfgiSte(owner.streamId, false)),
  });
}
