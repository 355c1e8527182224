// SPDX-License-Identifier: MIT
// Arguments of the toy: its paths, and experiments, each of which is the bring-up and one
// demonstration. The guest uses the same names (guest-driver/toy/experiments.ts).

import type { FootprintKind } from '../../inspect/index.ts';
import type { Queues } from '../board.ts';

/** Paths of the toy's invalidations; `all` compares them. */
export const TOY_PATHS = ['all', 'direct', 'trapped', 'overlay'] as const;
export type ToyPath = (typeof TOY_PATHS)[number];

/**
 * The toy's argument for a path. A guest does the same on the overlay path as on the
 * trapped one, and cannot tell the difference.
 */
function pathArgument(path: ToyPath): string {
  return `path=${path === 'overlay' ? 'trapped' : path}`;
}

/** A machine's index in a run, and the paths that its toy uses. */
export interface ToyPlace {
  readonly path: ToyPath;
  readonly queues: Queues;
  readonly vms: number;
  readonly machine: number;
}

/** Arguments of the toy as one of several machines. */
export function toyArgs(
  { path, queues, vms, machine }: ToyPlace,
  ...more: readonly string[]
): readonly string[] {
  return [pathArgument(path), `queues=${queues}`, `vms=${vms}`, `machine=${machine}`, ...more];
}

/**
 * True when further machines run the toy, for paths that one machine does not have in
 * addition to its own two.
 */
export function comparesPaths(path: ToyPath, experiment: Experiment | undefined): boolean {
  return path === 'all' && (experiment?.measures ?? true);
}

export interface Experiment {
  readonly name: string;
  readonly title: string;
  /** What happens, in one sentence. */
  readonly about: string;
  /** What to look at. */
  readonly look: string;
  /** Minimum number of machines. */
  readonly vms: number;
  /**
   * Its machines attack each other: the host compares the footprints of the others before
   * and after.
   */
  readonly attacks: boolean;
  /** It measures the paths. */
  readonly measures: boolean;
  /** What the host must have, and its faults. */
  readonly host?: {
    readonly btm: boolean;
    readonly faults?: { readonly separateVmids: boolean };
  };
  /** What the attacked machines lose because of the host's fault. */
  readonly loses?: FootprintKind;
  /** It is about registers that only a CMDQV has. */
  readonly cmdqv?: boolean;
  /**
   * The sanitizer is enabled, and names the missing command when a stale entry is used.
   */
  readonly checked: boolean;
  /**
   * Checks of the guest (their names, as reported through the checkpoint device) that
   * determine the experiment's result.
   */
  readonly checks: readonly string[];
  /** What it shows when these checks pass. */
  readonly shows: string;
}

export const EXPERIMENTS = [
  {
    name: 'hyp-own',
    title: 'Ask for HYP_OWN',
    about:
      'The guest sets VINTF_CONFIG.HYP_OWN, which would have the VCMDQs take its VMIDs and ' +
      'StreamIDs as written.',
    look: 'the console: what VINTF_CONFIG reads back',
    vms: 1,
    attacks: false,
    measures: false,
    cmdqv: true,
    checked: false,
    checks: ['hyp-own-zero'],
    shows: 'HYP_OWN reads 0 whatever is written: that is how a guest learns that it is one.',
  },
  {
    name: 'stale-dma',
    title: 'Skip the TLBI',
    about:
      'The guest clears a PTE, does not invalidate, and starts a DMA: the device still reads ' +
      'the page, through the stale IOTLB entry.',
    look: 'the IOTLB, then the event queue: the fault comes only after the TLBI',
    vms: 1,
    attacks: false,
    measures: false,
    checked: true,
    checks: ['stale-entry-used', 'dma-faults', 'event-record'],
    shows:
      'An unmap without TLBI and CMD_SYNC leaves the page to the device. With them the same ' +
      'DMA ends in F_TRANSLATION.',
  },
  {
    name: 'illegal-command',
    title: 'Illegal command in a VCMDQ',
    about: 'The guest puts CFGI_ALL on a VCMDQ, which takes invalidations only.',
    look:
      "the VCMDQ's errors, and one event at a time: CONS.ERR, GERROR unlike GERRORN, and the " +
      'entry that the driver replaces by a CMD_SYNC',
    vms: 1,
    attacks: false,
    measures: false,
    checked: false,
    checks: ['illegal-command', 'illegal-command-recovery'],
    shows:
      'The queue stops with CERROR_ILL, for its own guest alone; the driver steps over the ' +
      'command and the queue goes on.',
  },
  {
    name: 'foreign-ids',
    title: "Another VM's VMID and StreamID",
    about:
      'The guest names every VMID and every StreamID that could be its neighbour\u2019s in ' +
      'commands on its VCMDQ.',
    look:
      'the last steps: each attack removes IOTLB entries of the attacker alone, and none of the ' +
      'other VM',
    vms: 2,
    attacks: true,
    measures: false,
    checked: false,
    checks: ['attack-vmid-fields', 'attack-sid-fields'],
    shows:
      "The VMID is replaced by the VM's own, and a StreamID that matches no pair is an " +
      'illegal command: the neighbour loses nothing.',
  },
  {
    name: 'ring-corruption',
    title: 'Corrupt the ring',
    about:
      'The guest overwrites CONS and STATUS in its doorbell page, fills the ring with random ' +
      'bits, and stores a PROD two rings ahead.',
    look:
      'the VCMDQ, and one event at a time: CONS, STATUS, and the errors that stop it; the other ' +
      'VM, which goes on',
    vms: 2,
    attacks: true,
    measures: false,
    cmdqv: true,
    checked: false,
    checks: ['attack-ring'],
    shows:
      'Only the guest itself is affected: its read-only words are restored, bad ' +
      'commands refused, the queue starts again.',
  },
  {
    name: 'compare-paths',
    title: 'Trapped, direct, overlay',
    about:
      'The same invalidations on each path, in batches of 1, 16 and 64 commands: trapped and ' +
      'direct in turn in one machine, overlay in another.',
    look: 'the table: time and exits for each path',
    vms: 1,
    attacks: false,
    measures: true,
    checked: false,
    checks: ['measurement', 'no-exits-direct'],
    shows:
      'The trapped path costs at least two exits a batch; the direct and the overlay path none.',
  },
  {
    name: 'forget-tlbi',
    title: 'Forget a TLBI',
    about:
      'The guest clears a PTE, sends a CMD_SYNC without a TLBI, and uses the page by DMA as ' +
      'if nothing had happened.',
    look:
      'the sanitizer (--check): the entry, the descriptor as it was and is, and the ' +
      'TLBI_NH_VA that is missing',
    vms: 1,
    attacks: false,
    measures: false,
    checked: false,
    checks: ['forgotten-invalidation'],
    shows: 'The DMA still arrives: without the sanitizer nobody notices the bug.',
  },
  {
    name: 'forget-cfgi-cd',
    title: 'Forget a CFGI_CD',
    about:
      'The guest makes its CD invalid and sends a CMD_SYNC without a CFGI_CD: the stream goes ' +
      'on with the cached one.',
    look: 'the sanitizer (--check): the CD as it was and is, and the CFGI_CD that is missing',
    vms: 1,
    attacks: false,
    measures: false,
    checked: false,
    checks: ['forgotten-invalidation'],
    shows: 'The DMA still arrives: a CD is read again only after its CFGI_CD.',
  },
  {
    name: 'forget-cfgi-ste',
    title: 'Forget a CFGI_STE',
    about:
      'The guest sets its STE to abort and sends a CMD_SYNC without a CFGI_STE: the stream ' +
      'goes on as before.',
    look: 'the sanitizer (--check): the STE as it was and is, and the CFGI_STE that is missing',
    vms: 1,
    attacks: false,
    measures: false,
    checked: false,
    checks: ['forgotten-invalidation'],
    shows: 'The DMA still arrives: an STE is read again only after its CFGI_STE.',
  },
  {
    name: 'btm',
    title: "A vCPU's TLBI for the device",
    about:
      'The host has BTM: the guest shares an ASID between vCPUs and device (CD.ASET 0), clears a ' +
      'PTE and has its vCPU issue the TLBI, without a command.',
    look: 'the IOTLB, one event at a time: the entry goes without a command on the CMDQ or a VCMDQ',
    vms: 2,
    attacks: true,
    measures: false,
    host: { btm: true },
    checked: false,
    checks: ['btm-tlbi', 'btm-aset', 'attack-btm'],
    shows:
      'The TLBI of the vCPU reaches the SMMU, for its own VM and for CDs with shared ASIDs ' +
      'alone.',
  },
  {
    name: 'btm-vmids',
    title: "A vCPU's TLBI under another VMID",
    about:
      'The same on a host whose processors and SMMU number VMs each for themselves: vm0 runs ' +
      'under the VMID that vm1 has on the SMMU.',
    look: 'the IOTLB: the entry of vm0 stays, those of vm1 go',
    vms: 2,
    attacks: true,
    measures: false,
    host: { btm: true, faults: { separateVmids: true } },
    loses: 'IOTLB entries',
    checked: false,
    checks: ['btm-other-vmid'],
    shows:
      'The guest invalidates, and its device still reads the page; the neighbour loses entries ' +
      'instead. Hence BTM takes one VMID for vCPUs and stage 2.',
  },
] as const satisfies readonly Experiment[];

export type ExperimentName = (typeof EXPERIMENTS)[number]['name'];

/** The experiment with a name; undefined when there is none. */
export function findExperiment(name: string): Experiment | undefined {
  return EXPERIMENTS.find((experiment) => experiment.name === name);
}
