// SPDX-License-Identifier: MIT
// The arm64 toy: a program for the board `virt` that does what the toy guest does on one
// machine: it brings up GIC, ITS, SMMU and CMDQV, demonstrates them, and unmaps. This is
// its source in assembly language; the program that boots it assembles it.

import { atc } from './a64-atc.ts';
import { attacks, awaitStart, sidAttack, vmidAttack } from './a64-attacks.ts';
import { environment, probe, smmuReset, tables } from './a64-bring-up.ts';
import { cmdqvReset, hypOwn } from './a64-cmdqv.ts';
import { forget } from './a64-forget.ts';
import { interruptHandler, interruptsOf } from './a64-interrupts.ts';
import { measurement } from './a64-measurement.ts';
import { parallel, parallelRoutines } from './a64-parallel.ts';
import { pasid } from './a64-pasid.ts';
import { ringAttack } from './a64-ring.ts';
import { dma, queues, startOf, texts, VECTORS } from './a64-routines.ts';
import { A64Source } from './a64-source.ts';
import {
  dmaCopy,
  illegalCommand,
  liveMapping,
  message,
  mixedBatch,
  staleEntry,
} from './a64-steps.ts';

export { BATCHES as ARM64_TOY_BATCHES } from './a64-measurement.ts';
export { CHECKPOINT as ARM64_TOY_CHECKPOINT } from './a64-places.ts';

/** Experiments: the bring-up and one subject, named as those of the toy guest. */
export const ARM64_EXPERIMENTS = [
  'hyp-own',
  'stale-dma',
  'illegal-command',
  'foreign-ids',
  'ring-corruption',
  'compare-paths',
  'forget-tlbi',
  'forget-cfgi-cd',
  'forget-cfgi-ste',
] as const;
export type Arm64Experiment = (typeof ARM64_EXPERIMENTS)[number];

/** Options of the toy. */
export interface Arm64ToyOptions {
  /** Invalidation paths to measure; without `direct` it uses no CMDQV. */
  readonly paths: readonly ('direct' | 'trapped')[];
  /** Samples of each path and number of commands. */
  readonly rounds: number;
  /**
   * It waits for a byte on its console before it attacks other machines. Default false.
   */
  readonly waits?: boolean;
  /**
   * Number of vCPUs, at most 8. The direct path is also measured with all at once.
   * Default 1.
   */
  readonly vcpus?: number | undefined;
  /** Default: none, but all steps. An experiment needs the direct path. */
  readonly experiment?: Arm64Experiment | undefined;
}

/** The measurement with one vCPU and with all. */
const measurements = (s: A64Source, { paths, rounds, vcpus = 1 }: Arm64ToyOptions) => [
  measurement(s, paths, rounds),
  ...(paths.includes('direct') ? [parallel(s, vcpus, rounds)] : []),
];

/** All steps after the bring-up. */
function allSteps(s: A64Source, options: Arm64ToyOptions): readonly string[] {
  const { paths, waits = false } = options;
  const isDirect = paths.includes('direct');
  return [
    message(s),
    staleEntry(s, isDirect),
    mixedBatch(s, isDirect),
    ...(isDirect ? [illegalCommand(s)] : []),
    liveMapping(s),
    ...(waits ? [awaitStart(s)] : []),
    attacks(s, isDirect),
    ...measurements(s, options),
    pasid(s, isDirect),
    atc(s, isDirect),
  ];
}

/** The steps of an experiment after the bring-up. */
function stepsOf(s: A64Source, name: Arm64Experiment, options: Arm64ToyOptions): readonly string[] {
  const attack = (...steps: readonly string[]) => [
    liveMapping(s),
    ...(options.waits ? [awaitStart(s)] : []),
    ...steps,
  ];
  switch (name) {
    case 'hyp-own':
      return [liveMapping(s)];
    case 'stale-dma':
      return [staleEntry(s, true), liveMapping(s)];
    case 'illegal-command':
      return [illegalCommand(s), liveMapping(s)];
    case 'foreign-ids':
      return attack(vmidAttack(s), sidAttack(s));
    case 'ring-corruption':
      return attack(ringAttack(s));
    case 'compare-paths':
      return [liveMapping(s), ...measurements(s, options)];
    default:
      return [forget(s, name)];
  }
}

/** Source of a flat binary, which may be placed at any multiple of 4 KiB. */
export function arm64ToySource(options: Arm64ToyOptions): string {
  const { paths, vcpus = 1, experiment } = options;
  const s = new A64Source();
  const isDirect = paths.includes('direct');
  const program = [
    startOf(s),
    environment(s),
    probe(s, isDirect),
    ...(isDirect && (experiment ?? 'hyp-own') === 'hyp-own' ? [hypOwn(s)] : []),
    tables(s),
    interruptsOf(s),
    smmuReset(s),
    ...(isDirect ? [cmdqvReset(s)] : []),
    dmaCopy(s),
    ...(experiment ? stepsOf(s, experiment, options) : allSteps(s, options)),
    'b power_off',
    VECTORS,
    interruptHandler(s),
    texts(s),
    queues(s),
    dma(s),
    ...(isDirect && vcpus > 1 ? [parallelRoutines(s)] : []),
  ];
  return [...program, s.data()].join('\n');
}
