// SPDX-License-Identifier: MIT
// The arm64 toy: a program for the board `virt` that does what the toy guest does on one
// machine: it brings up GIC, ITS, SMMU and CMDQV, demonstrates them, and unmaps. This is
// its source in assembly language; the program that boots it assembles it.

import { atc } from './a64-atc.ts';
import { attacks } from './a64-attacks.ts';
import { environment, probe, smmuReset, tables } from './a64-bring-up.ts';
import { cmdqvReset, hypOwn } from './a64-cmdqv.ts';
import { interruptHandler, interruptsOf } from './a64-interrupts.ts';
import { measurement } from './a64-measurement.ts';
import { parallel, parallelRoutines } from './a64-parallel.ts';
import { pasid } from './a64-pasid.ts';
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

/** Options of the toy. */
export interface Arm64ToyOptions {
  /** Invalidation paths to measure; without `direct` it uses no CMDQV. */
  readonly paths: readonly ('direct' | 'trapped')[];
  /** Samples of each path and number of commands. */
  readonly rounds: number;
  /** It waits for a byte on its console before it attacks other machines. Default false. */
  readonly waits?: boolean;
  /** Number of vCPUs, at most 8. The direct path is also measured with all at once. Default 1. */
  readonly vcpus?: number | undefined;
}

/** Source of a flat binary, which may be placed at any multiple of 4 KiB. */
export function arm64ToySource({
  paths,
  rounds,
  waits = false,
  vcpus = 1,
}: Arm64ToyOptions): string {
  const s = new A64Source();
  const isDirect = paths.includes('direct');
  const program = [
    startOf(s),
    environment(s),
    probe(s, isDirect),
    ...(isDirect ? [hypOwn(s)] : []),
    tables(s),
    interruptsOf(s),
    smmuReset(s),
    ...(isDirect ? [cmdqvReset(s)] : []),
    dmaCopy(s),
    message(s),
    staleEntry(s, isDirect),
    mixedBatch(s, isDirect),
    ...(isDirect ? [illegalCommand(s)] : []),
    liveMapping(s),
    attacks(s, isDirect, waits),
    measurement(s, paths, rounds),
    ...(isDirect ? [parallel(s, vcpus, rounds)] : []),
    pasid(s, isDirect),
    atc(s, isDirect),
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
