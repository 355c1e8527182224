// SPDX-License-Identifier: MIT
// The picture: reads registers as a guest would read them (no exit is counted), rings and
// event queues from guest memory, the IOTLB from host memory. Changes nothing.

import type { Host, Machine, QueueInspection, VintfInspection, ViommuInspection } from 'vsmmu';
import {
  CMDQV_LOGICAL_PAGE0,
  CMDQV_PAGE_SIZE,
  VCMDQ_BASE,
  VCMDQ_CONFIG,
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import { TLB_SETS } from '../../assembly/layout/iotlb-memory.ts';
import {
  CMDQ_ENTRY_SIZE,
  CR0_CMDQEN,
  EVTQ_ENTRY_SIZE,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_EVTQ_BASE,
  SMMU_EVTQ_PROD,
} from '../../assembly/layout/smmu-registers.ts';
import { type Decoded, decodeCommand, decodeEvent } from '../../devices/decode/index.ts';
import type {
  EntryPicture,
  EventPicture,
  QueuePicture,
  TlbPicture,
  VmPicture,
} from '../protocol.ts';

/** Entries of a ring that are shown, and how many of them lie behind CONS. */
const SHOWN = 8;
const BEHIND = 5;
const SHOWN_EVENTS = 4;
const SHOWN_REGISTERS = 8;
/** Groups of IOTLB sets in the heat map. */
export const TLB_GROUPS = 64;
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
    /** Address and log2 of the entries of a queue's BASE register. */
    base(offset: number): { readonly gpa: number; readonly log2size: number } {
      const { lo, hi } = read(offset, 8);
      return { gpa: (hi & 0xffff) * 2 ** 32 + ((lo & ~LOG2SIZE) >>> 0), log2size: lo & LOG2SIZE };
    },
  };
}

/** The words of one entry of a queue in guest memory, undefined when they lie elsewhere. */
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

/** Fields that say what a command or record is about, in this order; then come the others that are not 0. */
const FIRST = ['Address', 'InputAddr', 'StreamID', 'SubstreamID', 'ASID', 'VMID'];
/** Fields that say nothing beyond the name, or only how the structure is cached. */
const LEFT_OUT = ['Opcode', 'Event', 'MSH', 'MSIAttr', 'Leaf', 'TTL', 'TG', 'SSV'];

/** The operands of a decoded structure: what says something beyond its name. */
function operandsOf({ fields }: Decoded): string {
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return fields
    .filter(({ name, value, ignored }) => !ignored && value !== 0n && !LEFT_OUT.includes(name))
    .sort((a, b) => rank(a.name) - rank(b.name))
    .map(({ name, value }) => (rank(name) < 2 ? hex(value) : `${name} ${hex(value)}`))
    .join(', ');
}

interface Ring {
  readonly gpa: number;
  readonly log2size: number;
  readonly prod: number;
  readonly cons: number;
}

function entries(machine: Machine, { gpa, log2size, prod, cons }: Ring): EntryPicture[] {
  const size = 2 ** log2size;
  const pending = (prod - cons + 2 * size) % (2 * size);
  return Array.from({ length: Math.min(SHOWN, size) }, (_, i): EntryPicture => {
    const ahead = i - Math.min(BEHIND, size - 1);
    const slot = (cons + ahead + 2 * size) % size;
    const words = entryWords(machine, gpa, slot, CMDQ_ENTRY_SIZE);
    const state =
      ahead < 0 ? 'done' : ahead < pending ? (ahead === 0 ? 'next' : 'pending') : 'empty';
    if (!words?.some((word) => word !== 0))
      return {
        slot,
        state: 'empty',
        name: '',
        operands: '',
        summary: 'Nothing has been written here yet.',
      };
    const decoded = decodeCommand(words);
    return {
      slot,
      state,
      name: decoded.name,
      operands: operandsOf(decoded),
      summary: decoded.summary,
    };
  });
}

/** Counts of a queue. */
function countsOf(queue: QueueInspection | undefined) {
  const { commands = 0, syncs = 0, errors = 0, rewrites = 0 } = queue ?? {};
  return { commands, syncs, errors, rewrites };
}

/** The SMMU's one CMDQ. */
function cmdq(machine: Machine, { queues, overlay }: ViommuInspection): QueuePicture {
  const { word, base } = reader(machine, 'smmuv3');
  const { gpa, log2size } = base(SMMU_CMDQ_BASE);
  const consRegister = word(SMMU_CMDQ_CONS);
  const mask = 2 ** (log2size + 1) - 1;
  const ring = { gpa, log2size, prod: word(SMMU_CMDQ_PROD) & mask, cons: consRegister & mask };
  const enabled = (word(SMMU_CR0) & (1 << ((CR0_CMDQEN >> 8) & 31))) !== 0;
  return {
    name: 'CMDQ',
    path: overlay ? 'overlay' : 'trapped',
    enabled,
    size: 2 ** log2size,
    prod: ring.prod,
    cons: ring.cons,
    error: consRegister >>> ERROR_SHIFT,
    gerror: 0,
    gerrorn: 0,
    ...countsOf(queues[0]),
    entries: enabled ? entries(machine, ring) : [],
  };
}

function vcmdq(machine: Machine, lvcmdq: number, vintf: VintfInspection): QueuePicture {
  const { word, base } = reader(machine, 'cmdqv');
  const registers = CMDQV_LOGICAL_PAGE0 + lvcmdq * VCMDQ_STRIDE;
  const { gpa, log2size } = base(registers + CMDQV_PAGE_SIZE + VCMDQ_BASE);
  const consRegister = word(registers + VCMDQ_CONS);
  const ring = {
    gpa,
    log2size,
    prod: word(registers + VCMDQ_PROD) & INDEX_AND_WRAP,
    cons: consRegister & INDEX_AND_WRAP,
  };
  const enabled = (word(registers + VCMDQ_CONFIG) & 1) !== 0;
  return {
    name: `VCMDQ ${lvcmdq}`,
    path: vintf.page0 === 0 ? 'trapped' : 'direct',
    enabled,
    size: 2 ** log2size,
    prod: ring.prod,
    cons: ring.cons,
    error: (consRegister >>> ERROR_SHIFT) & 0x7f,
    gerror: word(registers + VCMDQ_GERROR),
    gerrorn: word(registers + VCMDQ_GERRORN),
    ...countsOf(vintf.queues[lvcmdq]),
    entries: enabled ? entries(machine, ring) : [],
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
  const { gpa, log2size } = base(SMMU_EVTQ_BASE);
  const size = 2 ** log2size;
  const prod = word(SMMU_EVTQ_PROD) & (2 * size - 1);
  const { events: eventCount } = counts;
  const count = Math.min(eventCount, size, SHOWN_EVENTS);
  const events = Array.from({ length: count }, (_, i): EventPicture | undefined => {
    const words = entryWords(machine, gpa, (prod - 1 - i + 2 * size) % size, EVTQ_ENTRY_SIZE);
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

/** Everything of one machine. */
export function vmPicture(machine: Machine, running: boolean): VmPicture {
  const [smmu] = machine.inspect();
  if (!smmu?.vintf) throw new Error(`${machine.name} has no SMMU with a VINTF`);
  const { overlay, vintf } = smmu;
  const mapped = overlay ? (smmu.queues[0]?.mappedAt ?? 0) !== 0 : vintf.page0 !== 0;
  const { exits } = machine.statistics;
  const byRegister = Object.entries(exits.byRegister).sort(([, a], [, b]) => b - a);
  return {
    name: machine.name,
    vmid: smmu.vmid,
    vintf: vintf.index,
    streams: smmu.streams.map(({ virtual, physical }) => [virtual, physical]),
    // Between two steps a machine is paused; to whoever looks it runs.
    status: machine.status === 'paused' && running ? 'running' : machine.status,
    reason: machine.error?.message ?? '',
    overlay,
    mapped,
    doorbells: (overlay ? smmu : vintf).doorbellCalls,
    interventions: smmu.counts.interventions,
    queues: [
      ...(overlay ? [] : vintf.queues.map((_, lvcmdq) => vcmdq(machine, lvcmdq, vintf))),
      cmdq(machine, smmu),
    ],
    ...eventsOf(machine, smmu),
    exits: {
      total: exits.total,
      duringInvalidation: exits.duringInvalidation,
      byRegister: byRegister.slice(0, SHOWN_REGISTERS),
    },
  };
}

/** The IOTLB, by VM and ASID. A VM without an entry has a row too. */
export function tlbPicture(host: Host, machines: readonly Machine[]): TlbPicture[] {
  const rows = new Map<string, { vm: string; asid: string; count: number; cells: number[] }>();
  const row = (vm: string, asid: string) => {
    const key = `${vm} ${asid}`;
    const found = rows.get(key) ?? {
      vm,
      asid,
      count: 0,
      cells: Array.from({ length: TLB_GROUPS }, () => 0),
    };
    rows.set(key, found);
    return found;
  };
  const names = new Map(machines.map((machine) => [machine.inspect()[0]?.vmid, machine.name]));
  for (const name of names.values()) row(name, '1');
  for (const { set, vmid, asid } of host.iotlb()) {
    const into = row(
      names.get(vmid) ?? `VMID ${vmid}`,
      asid === undefined ? '\u2013' : String(asid),
    );
    const group = Math.floor((set * TLB_GROUPS) / TLB_SETS);
    into.count++;
    into.cells[group] = (into.cells[group] ?? 0) + 1;
  }
  const order = [...names.values()];
  return [...rows.values()].sort(
    (a, b) => order.indexOf(a.vm) - order.indexOf(b.vm) || a.asid.localeCompare(b.asid),
  );
}
