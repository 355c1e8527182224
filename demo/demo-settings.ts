// SPDX-License-Identifier: MIT
// What the page can be set to: one table, from which come the controls, the URL
// parameters and the options of a session.

import {
  comparesPaths,
  EXPERIMENTS,
  findExperiment,
  TOY_PATHS,
  type ToyPath,
} from '../vmm/boards/index.ts';

const COUNTS = ['1', '2', '3', '4'] as const;
const TRANSPORTS = ['auto', 'inline', 'mailbox'] as const;
const DRAINS = ['doorbell', 'thread', 'auto'] as const;
const SPEEDS = ['slow', 'paced', 'full'] as const;
const QUEUE_ERRORS = ['report', 'skip', 'emulate', 'stop'] as const;
const YES_NO = ['yes', 'no'] as const;
const NO_EXPERIMENT = 'none';

/** Runs beside the others where paths are compared. */
export const OVERLAY_MACHINE = 'overlay';

export interface Settings {
  /** "toy", or the name of a file that was dropped or picked. */
  readonly guest: string;
  readonly path: ToyPath;
  readonly vcpus: number;
  readonly vms: number;
  readonly transport: (typeof TRANSPORTS)[number];
  readonly drain: (typeof DRAINS)[number];
  readonly speed: (typeof SPEEDS)[number];
  readonly experiment: string;
  /** What becomes of the guests' bad commands. Experiments see them reported. */
  readonly queueError: (typeof QUEUE_ERRORS)[number];
  /** The sanitizer looks for invalidations that guests forget. Experiments have it. */
  readonly check: boolean;
  /** Starts by itself. */
  readonly run: boolean;
}

/** A setting that is chosen from a list. */
export interface Choice {
  readonly name: keyof Settings;
  readonly label: string;
  readonly values: readonly string[];
  /** The first value unless said otherwise. */
  readonly initial: string;
  readonly explains: string;
}

export const CHOICES: readonly Choice[] = [
  {
    name: 'path',
    label: 'Path',
    values: TOY_PATHS,
    initial: 'all',
    explains:
      'How guests invalidate: through VCMDQs of their own (direct), the trapped CMDQ, or one ' +
      'CMDQ that they ring without exits (overlay); all: side by side.',
  },
  {
    name: 'vcpus',
    label: 'vCPUs',
    values: COUNTS,
    initial: '1',
    explains: 'vCPUs of each machine; each sends its batches to a VCMDQ of its own.',
  },
  {
    name: 'vms',
    label: 'VMs',
    values: COUNTS,
    initial: '2',
    explains: 'Machines on the host. All share its SMMU and its IOTLB.',
  },
  {
    name: 'transport',
    label: 'Guests run',
    values: TRANSPORTS,
    initial: 'auto',
    explains:
      'inline: on the VMM’s worker; mailbox: each vCPU on a worker of its own, its exits in a ' +
      'mailbox; auto: mailbox where there are cores to spare.',
  },
  {
    name: 'drain',
    label: 'Drain',
    values: DRAINS,
    initial: 'doorbell',
    explains:
      'Where VCMDQs are drained: in the guest’s doorbell call (Wasm to Wasm), on a thread of ' +
      'its own, or where it pays.',
  },
  {
    name: 'speed',
    label: 'Speed',
    values: SPEEDS,
    initial: 'paced',
    explains:
      'How fast the guests are stepped: two and a half, some forty, or as many steps a second ' +
      'as go.',
  },
  {
    name: 'check',
    label: 'Sanitizer',
    values: ['no', 'yes'],
    initial: 'no',
    explains:
      'Compares every hit of IOTLB and configuration cache with the tables, and names the ' +
      'invalidation that a guest has forgotten.',
  },
  {
    name: 'queueError',
    label: 'Bad commands',
    values: QUEUE_ERRORS,
    initial: 'report',
    explains:
      'What the host does with a bad command on any queue before its guest sees an error: report ' +
      'it, skip it, carry it out where a guest may have that (emulate), or stop the machine.',
  },
];

const HIDDEN: readonly Choice[] = [
  {
    name: 'experiment',
    label: 'Experiment',
    values: [NO_EXPERIMENT, ...EXPERIMENTS.map(({ name }) => name)],
    initial: NO_EXPERIMENT,
    explains: '',
  },
  { name: 'run', label: 'Starts by itself', values: YES_NO, initial: 'yes', explains: '' },
];

const ALL = [...CHOICES, ...HIDDEN];

function settingsOf(value: (choice: Choice) => string): Settings {
  const of = Object.fromEntries(ALL.map((choice) => [choice.name, value(choice)]));
  const experiment = findExperiment(of.experiment ?? '');
  return {
    guest: 'toy',
    // Experiments choose their path themselves.
    path: experiment ? 'all' : (of.path as ToyPath),
    vcpus: Number(of.vcpus),
    vms: Math.max(Number(of.vms), experiment?.vms ?? 1),
    transport: of.transport as Settings['transport'],
    drain: of.drain as Settings['drain'],
    speed: of.speed as Settings['speed'],
    experiment: experiment?.name ?? NO_EXPERIMENT,
    queueError: experiment ? 'report' : (of.queueError as Settings['queueError']),
    // Not where time is measured.
    check: experiment ? !experiment.measures : of.check === 'yes',
    run: of.run === 'yes',
  };
}

/** Settings from a URL's query. A value that is not in the list is as good as none. */
export function readSettings(query: URLSearchParams): Settings {
  return settingsOf(({ name, values, initial }) => {
    const given = query.get(name);
    return given !== null && values.includes(given) ? given : initial;
  });
}

/** A setting by the value that its list has for it. */
export function changeOf(name: keyof Settings, value: string): Partial<Settings> {
  switch (name) {
    case 'vcpus':
    case 'vms':
      return { [name]: Number(value) };
    case 'check':
    case 'run':
      return { [name]: value === 'yes' };
    default:
      return { [name]: value };
  }
}

/** Value of a setting as its list has it. */
export function chosenValue(settings: Settings, { name }: Choice): string {
  const value = settings[name];
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/** The query that leads back to these settings: what differs from the initial ones. */
export function writeSettings(settings: Settings): string {
  const query = new URLSearchParams();
  for (const choice of ALL) {
    const value = chosenValue(settings, choice);
    if ((choice.name === 'check' || choice.name === 'queueError') && !isLive(settings)) continue;
    if (value !== choice.initial) query.set(choice.name, value);
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** True when the guests go on working, and show no experiment. */
export function isLive({ experiment }: Settings): boolean {
  return experiment === NO_EXPERIMENT;
}

/** Names of the machines, in the order of their consoles. The one on the overlay path comes last. */
export function machineNames({ guest, vms, path, experiment }: Settings): string[] {
  const names = Array.from({ length: vms }, (_, k) => `vm${k}`);
  const compared = guest === 'toy' && comparesPaths(path, findExperiment(experiment));
  return compared ? [...names, OVERLAY_MACHINE] : names;
}
