// SPDX-License-Identifier: MIT
// The page's settings: one table for the controls, the URL parameters and the options of
// a session.

import {
  comparesPaths,
  EXPERIMENTS,
  findExperiment,
  TOY_PATHS,
  type ToyPath,
} from '../vmm/boards/index.ts';
import { parseLines } from './edit/parse-lines.ts';
import { cut } from './link/cut-text.ts';
import { TOUR, tourStop } from './tour.ts';

const COUNTS = ['1', '2', '3', '4'] as const;
const TRANSPORTS = ['auto', 'inline', 'mailbox'] as const;
const DRAINS = ['doorbell', 'thread', 'auto'] as const;
const SPEEDS = ['slow', 'paced', 'full'] as const;
const QUEUE_ERRORS = ['report', 'skip', 'emulate', 'stop'] as const;
const YES_NO = ['yes', 'no'] as const;
const NO_EXPERIMENT = 'none';

/** A machine in addition to the others when paths are compared. */
export const OVERLAY_MACHINE = 'overlay';

export interface Settings {
  /** "toy", or the name of a dropped or picked file. */
  readonly guest: string;
  readonly path: ToyPath;
  readonly vcpus: number;
  readonly vms: number;
  readonly transport: (typeof TRANSPORTS)[number];
  readonly drain: (typeof DRAINS)[number];
  readonly speed: (typeof SPEEDS)[number];
  readonly experiment: string;
  /**
   * The user's own lines for the toy, in place of an experiment (edit/parse-lines.ts);
   * empty for none.
   */
  readonly lines: string;
  /** Policy for the guests' bad commands. In experiments they are reported. */
  readonly queueError: (typeof QUEUE_ERRORS)[number];
  /** The sanitizer detects missing invalidations of guests. Experiments enable it. */
  readonly check: boolean;
  /** Starts running immediately. */
  readonly run: boolean;
  /** Records every event, for stepping through them; the machines start paused. */
  readonly events: boolean;
  /** Keeps a trace for download. */
  readonly trace: boolean;
  /**
   * Stop of the tour, from 1; 0 for none. It determines the other settings, except where
   * things run and how fast.
   */
  readonly tour: number;
}

/** A setting with a list of values. */
export interface Choice {
  readonly name: keyof Settings;
  readonly label: string;
  readonly values: readonly string[];
  /** Default: the first value. */
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
    explains:
      'vCPUs of each machine. On the direct path all of them send batches at once, each to a ' +
      'VCMDQ of its own; the one CMDQ of the other paths is for vCPU 0 alone.',
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
  { name: 'events', label: 'Events', values: ['no', 'yes'], initial: 'no', explains: '' },
  { name: 'trace', label: 'Trace', values: ['no', 'yes'], initial: 'no', explains: '' },
  {
    name: 'tour',
    label: 'Tour',
    values: ['0', ...TOUR.map((_, i) => String(i + 1))],
    initial: '0',
    explains: '',
  },
];

const ALL = [...CHOICES, ...HIDDEN];

/** The only setting without a list of values. */
const LINES = 'lines';

function settingsOf(value: (choice: Choice) => string, lines: string): Settings {
  const given = Object.fromEntries(ALL.map((choice) => [choice.name, value(choice)]));
  const tour = Number(given.tour);
  const of = { ...given, ...tourStop(tour)?.settings } as Readonly<Record<string, string>>;
  if (lines !== '' && tour === 0) return { ...settingsOf(value, ''), ...LINES_SETTINGS, lines };
  const experiment = findExperiment(of.experiment ?? '');
  return {
    guest: 'toy',
    // Experiments choose their path themselves.
    path: experiment ? 'all' : (of.path as ToyPath),
    vcpus: Number(of.vcpus),
    vms: Math.max(Number(of.vms), experiment?.vms ?? 1),
    lines: '',
    transport: of.transport as Settings['transport'],
    drain: of.drain as Settings['drain'],
    speed: of.speed as Settings['speed'],
    experiment: experiment?.name ?? NO_EXPERIMENT,
    queueError: experiment ? 'report' : (of.queueError as Settings['queueError']),
    // Not when time is measured.
    check: experiment ? !experiment.measures : of.check === 'yes',
    run: of.run === 'yes',
    events: of.events === 'yes',
    trace: of.trace === 'yes',
    tour,
  };
}

/** Settings for the user's own lines: one machine, with the sanitizer. */
const LINES_SETTINGS = {
  experiment: NO_EXPERIMENT,
  vms: 1,
  vcpus: 1,
  queueError: 'report',
  check: true,
} as const satisfies Partial<Settings>;

/**
 * Settings from a URL's query. A value that is not in the list is ignored, and so are
 * invalid lines.
 */
export function readSettings(query: URLSearchParams): Settings {
  const lines = query.get(LINES) ?? '';
  return settingsOf(
    ({ name, values, initial }) => {
      const given = query.get(name);
      return given !== null && values.includes(given) ? given : initial;
    },
    lines === '' || parseLines(lines).problems.length > 0 ? '' : lines,
  );
}

/** Invalid lines of a URL's query, unchanged; undefined when there are none. */
export function wrongLines(query: URLSearchParams): string | undefined {
  const lines = query.get(LINES);
  const isWrong = lines !== null && parseLines(lines).problems.length > 0;
  return isWrong && readSettings(query).tour === 0 ? lines : undefined;
}

function linesProblems(query: URLSearchParams, { tour }: Settings): string[] {
  return query.getAll(LINES).flatMap((lines, i) => {
    if (i > 0) return [`lines=${cut(lines)}: there are some already; ignored.`];
    if (tour > 0) return [`lines=${cut(lines)}: stop ${tour} of the tour has none; ignored.`];
    return parseLines(lines).problems.map((problem) => `lines: ${problem}.`);
  });
}

/**
 * Requests in a URL that the page does not support, one line each. Foreign parameters are
 * ignored.
 */
export function settingProblems(query: URLSearchParams): string[] {
  const settings = readSettings(query);
  const problems = ALL.flatMap((choice) => {
    const { name, values } = choice;
    return query.getAll(name).flatMap((given, i) => {
      const is = chosenValue(settings, choice);
      if (i > 0) return [`${name}=${cut(given)}: there is one already; ${name} is ${is}.`];
      if (!values.includes(given))
        return [`${name}=${cut(given)}: it is one of ${values.join(', ')}; ${name} is ${is}.`];
      return given === is ? [] : [refusal(settings, name, given, is)];
    });
  });
  return [...problems, ...linesProblems(query, settings)];
}

/** Settings that differ from the requested ones, one line each. */
export function corrections(asked: Settings, settings: Settings): string[] {
  return ALL.flatMap((choice) => {
    const [given, is] = [chosenValue(asked, choice), chosenValue(settings, choice)];
    return given === is ? [] : [refusal(settings, choice.name, given, is)];
  });
}

function refusal(settings: Settings, name: string, given: string, is: string): string {
  const { tour, experiment, lines } = settings;
  const own = lines === '' ? `the experiment ${experiment}` : 'Edit and run';
  const who = tour > 0 ? `stop ${tour} of the tour` : own;
  return `${name}=${given}: ${who} has ${name}=${is}.`;
}

/** True for the name of a parameter that is a setting. */
export function isSetting(name: string): boolean {
  return name === LINES || ALL.some((choice) => choice.name === name);
}

/** A setting, from the value in its list. */
export function changeOf(name: keyof Settings, value: string): Partial<Settings> {
  switch (name) {
    case 'vcpus':
    case 'vms':
    case 'tour':
      return { [name]: Number(value) };
    case 'check':
    case 'run':
    case 'events':
    case 'trace':
      return { [name]: value === 'yes' };
    default:
      return { [name]: value };
  }
}

/** Value of a setting in its list. */
export function chosenValue(settings: Settings, { name }: Choice): string {
  const value = settings[name];
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/** The query for these settings: those that differ from the initial ones. */
export function writeSettings(settings: Settings): string {
  const query = new URLSearchParams();
  const stop = tourStop(settings.tour);
  const { lines } = settings;
  for (const choice of ALL) {
    const value = chosenValue(settings, choice);
    if (stop && choice.name in stop.settings) continue;
    if (lines !== '' && choice.name in LINES_SETTINGS) continue;
    if ((choice.name === 'check' || choice.name === 'queueError') && !isLive(settings)) continue;
    if (value !== choice.initial) query.set(choice.name, value);
  }
  if (lines !== '') query.set(LINES, lines);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** Settings of a stop of the tour; none for 0. */
export function tourSettings(stop: number): Partial<Settings> {
  return readSettings(new URLSearchParams(`tour=${stop}`));
}

/**
 * Settings of an experiment that is chosen by one click, and so runs by itself; `none` is
 * the live run.
 */
export function experimentSettings(settings: Settings, name: string): Partial<Settings> {
  const { vms = 1, measures = true } = findExperiment(name) ?? {};
  const check = name !== NO_EXPERIMENT && !measures;
  const own = { experiment: name, lines: '', path: 'all', queueError: 'report', check } as const;
  return { ...own, run: true, vms: Math.max(settings.vms, vms) };
}

/** Settings for the user's own lines, run by a click. */
export function settingsOfLines(lines: string): Partial<Settings> {
  return { guest: 'toy', ...LINES_SETTINGS, run: true, lines };
}

/**
 * A change of settings, which leaves the tour when they are no longer those of its stop.
 */
export function leavingTour(settings: Settings, change: Partial<Settings>): Partial<Settings> {
  const stop = tourStop(settings.tour);
  if (!stop || 'tour' in change) return change;
  const keeps = Object.keys(change).every((name) => !(name in stop.settings) && name !== 'guest');
  return keeps ? change : { run: true, ...change, tour: 0 };
}

/** True when the guests work continuously, without an experiment. */
export function isLive({ experiment, lines }: Settings): boolean {
  return experiment === NO_EXPERIMENT && lines === '';
}

/**
 * Names of the machines, in the order of their consoles. The one on the overlay path is
 * last.
 */
export function machineNames({ guest, vms, path, experiment, lines }: Settings): string[] {
  const names = Array.from({ length: vms }, (_, k) => `vm${k}`);
  const compared =
    guest === 'toy' && lines === '' && comparesPaths(path, findExperiment(experiment));
  return compared ? [...names, OVERLAY_MACHINE] : names;
}
