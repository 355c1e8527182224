// SPDX-License-Identifier: MIT
// Experiments: the bring-up and one subject, chosen by experiment=NAME
// (vmm/boards/toy/toy-experiments.ts describes them for users).

import { argumentIs, argumentText } from '../runtime/arguments';

export const NO_EXPERIMENT: u32 = 0;
const HYP_OWN: u32 = 1;
const STALE_DMA: u32 = 2;
const ILLEGAL_COMMAND: u32 = 3;
const FOREIGN_IDS: u32 = 4;
const RING_CORRUPTION: u32 = 5;
const COMPARE_PATHS: u32 = 6;
// The driver omits an invalidation, and nothing follows.
export const FORGET_TLBI: u32 = 7;
export const FORGET_CFGI_CD: u32 = 8;
export const FORGET_CFGI_STE: u32 = 9;
const BTM: u32 = 10;
/** The host's processors use VMIDs of their own. */
export const BTM_VMIDS: u32 = 11;
/** The program of program= (program.ts), in place of an experiment. */
export const OWN_PROGRAM: u32 = 12;

/**
 * Steps of every experiment: 1 to 7 without the request for HYP_OWN, and the live mapping
 * that attackers target.
 */
const LAST_BRING_UP: u32 = 7;
const HYP_OWN_STEP: u32 = 3;
const LIVE_MAPPING_STEP: u32 = 11;

/** The experiment in the arguments, NO_EXPERIMENT when they name none. */
export function namedExperiment(): u32 {
  if (argumentIs('experiment=', 'hyp-own')) return HYP_OWN;
  if (argumentIs('experiment=', 'stale-dma')) return STALE_DMA;
  if (argumentIs('experiment=', 'illegal-command')) return ILLEGAL_COMMAND;
  if (argumentIs('experiment=', 'foreign-ids')) return FOREIGN_IDS;
  if (argumentIs('experiment=', 'ring-corruption')) return RING_CORRUPTION;
  if (argumentIs('experiment=', 'compare-paths')) return COMPARE_PATHS;
  if (argumentIs('experiment=', 'forget-tlbi')) return FORGET_TLBI;
  if (argumentIs('experiment=', 'forget-cfgi-cd')) return FORGET_CFGI_CD;
  if (argumentIs('experiment=', 'forget-cfgi-ste')) return FORGET_CFGI_STE;
  if (argumentIs('experiment=', 'btm')) return BTM;
  if (argumentIs('experiment=', 'btm-vmids')) return BTM_VMIDS;
  return argumentText('program=') != 0 ? OWN_PROGRAM : NO_EXPERIMENT;
}

/** Whether the experiment omits an invalidation. */
export function forgets(experiment: u32): bool {
  return experiment >= FORGET_TLBI && experiment <= FORGET_CFGI_STE;
}

/** Whether the step belongs to the experiment. */
export function experimentTakes(experiment: u32, step: u32): bool {
  if (step == HYP_OWN_STEP) return experiment == HYP_OWN;
  if (step <= LAST_BRING_UP) return true;
  if (forgets(experiment) || experiment == OWN_PROGRAM) return step == 8;
  if (step == LIVE_MAPPING_STEP) return true;
  switch (experiment) {
    case STALE_DMA:
      return step == 8;
    case ILLEGAL_COMMAND:
      return step == 10;
    case FOREIGN_IDS:
      return step == 12 || step == 13;
    case RING_CORRUPTION:
      return step == 19;
    case COMPARE_PATHS:
      return step == 18;
    case BTM:
    case BTM_VMIDS:
      return step == 23;
    default:
      return false;
  }
}
