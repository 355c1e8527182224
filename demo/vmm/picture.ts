// SPDX-License-Identifier: MIT
// The picture: reads registers as a guest would read them (no exit is counted), rings and
// event queues from guest memory. Changes nothing.

import type { Machine, QueueInspection, VintfInspection, ViommuInspection } from 'vsmmu';
import {
  CMDQV_LOGICAL_PAGE0,
  CMDQV_PAGE_SIZE,
  VCMDQ_BASE,
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STATUS,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import {
  CMDQ_ENTRY_SIZE,
  CR0_CMDQEN,
  EVENTQ_ENTRY_SIZE,
  GERROR_CMDQ_ERR,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_EVENTQ_BASE,
  SMMU_EVENTQ_PROD,
  SMMU_GERROR,
  SMMU_GERRORN,
} from '../../assembly/layout/smmu-registers.ts';
import { type Decoded, decodeCommand, decodeEvent } from '../../devices/decode/index.ts';
import { maskInWord } from '../../devices/plugin/index.ts';
import type { EntryPicture, EventPicture, QueuePicture, VmPicture } from '../protocol.ts';
import { LapCounter } from './laps.ts';
import { ringEntries } from './ring-picture.ts';

const SHOWN_EVENTS = 4;
const INDEX_AND_WRAP = 0xfffff;
const ERROR_SHIFT = 24;
const LOG2SIZE = 0x1f;

/** Reads a device's registers as its guest would. */
function reader(machine: Machine, device: string) {
  const read = (offset: number, size: 4 | 8) => {
    const value = machine.readRegister(device, offset, size);
    if (!value) throw new Error(`the board has no ${device}`);
    return value;
  };
  return {
    word: (offset: number) => read(offset, 4).lo,
    /** Address and log2 of the number of entries in a queue's BASE register. */
    base(offset: number): { readonly gpa: number; readonly log2size: number } {
      const { lo, hi } = read(offset, 8);
      return { gpa: (hi & 0xffff) * 2 ** 32 + ((lo & ~LOG2SIZE) >>> 0), log2size: lo & LOG2SIZE };
    },
  };
}

/** The words of one entry of a queue in guest memory; undefined when it is not there. */
function entryWords(
  machine: Machine,
  ring: number,
  slot: number,
  bytes: number,
): Uint32Array | undefined {
  const entry = machine.readMemory(ring + slot * bytes, bytes);
  return entry && new Uint32Array(entry.buffer);
}

const hex = (value: bigint) => (value < 10n ? value.toString() : `0x${value.toString(16)}`);

/**
 * Fields that identify the subject of a command or record, in this order; others follow
 * if they are not 0.
 */
const FIRST = ['Address', 'InputAddr', 'StreamID', 'SubstreamID', 'ASID', 'VMID'];
/** Fields that add nothing to the name, or only describe caching of the structure. */
const LEFT_OUT = ['Opcode', 'Event', 'MSH', 'MSIAttr', 'Leaf', 'TTL', 'TG', 'SSV'];

/** The operands of a decoded structure: those that add something to its name. */
function operandsOf({ fields }: Decoded): string {
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return fields
    .filter(({ name, value, ignored }) => !ignored && value !== 0n && !LEFT_OUT.includes(name))
    .sort((a, b) => rank(a.name) - rank(b.name))
    .map(({ name, value }) => (rank(name) < 2 ? hex(value) : `${name} ${hex(value)}`))
    .join(', ');
}

/** A command in the form for the page. */
export function commandPicture(
  words: Uint32Array,
): Pick<EntryPicture, 'name' | 'operands' | 'summary'> {
  const decoded = decodeCommand(words);
  return { name: decoded.name, operands: operandsOf(decoded), summary: decoded.summary };
}

/** A queue in the middle of a step, with the values that its PROD shows then. */
export interface ShownQueue {
  /** Name in pictures. */
  readonly queue: string;
  /** Index and wrap bit. */
  readonly prod: number;
  /** Entries from PROD on that are written. */
  readonly written: number;
}

/**
 * What a queue in the middle of a step shows in place of its own values; nothing for any
 * other.
 */
function shownAs(shown: ShownQueue | undefined, queue: string): Partial<ShownQueue> {
  return shown?.queue === queue ? shown : {};
}

/** By machine and name of the queue. */
const laps = new WeakMap<Machine, Map<string, LapCounter>>();

function lapsOf(machine: Machine, queue: string): LapCounter {
  const all = laps.get(machine) ?? new Map<string, LapCounter>();
  laps.set(machine, all);
  const found = all.get(queue) ?? new LapCounter();
  all.set(queue, found);
  return found;
}

interface Ring {
  readonly name: string;
  readonly enabled: boolean;
  readonly gpa: number;
  readonly size: number;
  readonly prod: number;
  readonly cons: number;
  readonly commands: number;
  /** Entries from PROD on that are known to be written. */
  readonly written: number;
}

/** Positions of PROD and CONS, and the entries around CONS. */
function ringPicture(machine: Machine, ring: Ring) {
  const { name, enabled, gpa } = ring;
  const counter = lapsOf(machine, name);
  if (!enabled) counter.reset();
  const { consumed, prodLap, consLap } = counter.look(ring);
  const read = (slot: number) => entryWords(machine, gpa, slot, CMDQ_ENTRY_SIZE);
  const entries = enabled ? ringEntries({ ...ring, consumed }, read, commandPicture) : [];
  return { prodLap, consLap, entries };
}

/** Counters of a queue. */
function countsOf(queue: QueueInspection | undefined) {
  const { commands = 0, syncs = 0, errors = 0, rewrites = 0 } = queue ?? {};
  return { commands, syncs, errors, rewrites };
}

/** The SMMU's one CMDQ. */
function cmdq(
  machine: Machine,
  { queues, overlay }: ViommuInspection,
  shown: ShownQueue | undefined,
): QueuePicture {
  const { word, base } = reader(machine, 'smmuv3');
  const { gpa, log2size } = base(SMMU_CMDQ_BASE);
  const consRegister = word(SMMU_CMDQ_CONS);
  const mask = 2 ** (log2size + 1) - 1;
  const enabled = (word(SMMU_CR0) & (1 << ((CR0_CMDQEN >> 8) & 31))) !== 0;
  const counts = countsOf(queues[0]);
  const { prod = word(SMMU_CMDQ_PROD) & mask, written = 0 } = shownAs(shown, 'CMDQ');
  const ring = {
    name: 'CMDQ',
    enabled,
    gpa,
    size: 2 ** log2size,
    prod,
    cons: consRegister & mask,
    commands: counts.commands,
    written,
  };
  const error = maskInWord(GERROR_CMDQ_ERR);
  return {
    name: 'CMDQ',
    path: overlay ? 'overlay' : 'trapped',
    enabled,
    size: ring.size,
    prod: ring.prod,
    cons: ring.cons,
    error: consRegister >>> ERROR_SHIFT,
    gerror: word(SMMU_GERROR) & error,
    gerrorn: word(SMMU_GERRORN) & error,
    ...counts,
    ...ringPicture(machine, ring),
  };
}

function vcmdq(
  machine: Machine,
  lvcmdq: number,
  vintf: VintfInspection,
  shown: ShownQueue | undefined,
): QueuePicture {
  const { word, base } = reader(machine, 'cmdqv');
  const registers = CMDQV_LOGICAL_PAGE0 + lvcmdq * VCMDQ_STRIDE;
  const { gpa, log2size } = base(registers + CMDQV_PAGE_SIZE + VCMDQ_BASE);
  const consRegister = word(registers + VCMDQ_CONS);
  const enabled = (word(registers + VCMDQ_CONFIG) & 1) !== 0;
  const counts = countsOf(vintf.queues[lvcmdq]);
  const size = 2 ** log2size;
  const name = `VCMDQ ${lvcmdq}`;
  const { prod = word(registers + VCMDQ_PROD) & INDEX_AND_WRAP, written = 0 } = shownAs(
    shown,
    name,
  );
  const ring = {
    name,
    enabled,
    gpa,
    size,
    prod,
    cons: consRegister & INDEX_AND_WRAP,
    commands: counts.commands,
    written,
  };
  return {
    name: ring.name,
    path: vintf.page0 === 0 ? 'trapped' : 'direct',
    enabled,
    size: ring.size,
    prod: ring.prod,
    cons: ring.cons,
    error: (consRegister >>> ERROR_SHIFT) & 0x7f,
    gerror: word(registers + VCMDQ_GERROR),
    gerrorn: word(registers + VCMDQ_GERRORN),
    status: word(registers + VCMDQ_STATUS),
    ...counts,
    ...ringPicture(machine, ring),
  };
}

function eventsOf(
  machine: Machine,
  { counts }: ViommuInspection,
): {
  readonly events: EventPicture[];
  readonly eventCount: number;
} {
  const { word, base } = reader(machine, 'smmuv3');
  const { gpa, log2size } = base(SMMU_EVENTQ_BASE);
  const size = 2 ** log2size;
  const prod = word(SMMU_EVENTQ_PROD) & (2 * size - 1);
  const { events: eventCount } = counts;
  const count = Math.min(eventCount, size, SHOWN_EVENTS);
  const events = Array.from({ length: count }, (_, i): EventPicture | undefined => {
    const words = entryWords(machine, gpa, (prod - 1 - i + 2 * size) % size, EVENTQ_ENTRY_SIZE);
    if (!words) return undefined;
    const decoded = decodeEvent(words);
    return {
      number: eventCount - 1 - i,
      name: decoded.name,
      fields: operandsOf(decoded),
      summary: decoded.summary,
    };
  });
  return { events: events.filter((event) => event !== undefined), eventCount };
}

/**
 * Everything of one machine.
 * @param written bytes that it has written to its console.
 * @param exits its exits so far.
 * @param shown a queue in the middle of a step.
 */
export function vmPicture(
  machine: Machine,
  running: boolean,
  written: number,
  exits: VmPicture['exits'],
  shown?: ShownQueue,
): VmPicture {
  const [smmu] = machine.inspect();
  if (!smmu?.vintf) throw new Error(`${machine.name} has no SMMU with a VINTF`);
  const { overlay, vintf } = smmu;
  const mapped = overlay ? (smmu.queues[0]?.mappedAt ?? 0) !== 0 : vintf.page0 !== 0;
  return {
    name: machine.name,
    vmid: smmu.vmid,
    vintf: vintf.index,
    streams: smmu.streams.map(({ virtual, physical }) => [virtual, physical]),
    // Between two steps a machine is paused; to the user it runs.
    status: machine.status === 'paused' && running ? 'running' : machine.status,
    reason: machine.error?.message ?? '',
    overlay,
    mapped,
    doorbells: (overlay ? smmu : vintf).doorbellCalls,
    interventions: smmu.counts.interventions,
    queues: [
      ...(overlay ? [] : vintf.queues.map((_, lvcmdq) => vcmdq(machine, lvcmdq, vintf, shown))),
      cmdq(machine, smmu, shown),
    ],
    ...eventsOf(machine, smmu),
    written,
    exits,
  };
}
