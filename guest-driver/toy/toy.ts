// SPDX-License-Identifier: MIT
// The toy guest: a reactor that brings up SMMU and CMDQV, demonstrates them, attacks the
// other machines of its host, and measures. Each call of `vsmmu_run` runs one step, so
// that several machines can run in lockstep.
//
// Arguments: path=all|direct|trapped, vms=N (machines of the host), machine=K (this one's
// index), rounds=R, warmup=R (rounds before those that count), queues=vcmdq|ecmdq (the
// queues of the direct path), share=Q (most queues for several vCPUs), experiment=NAME
// (the bring-up and one experiment), program=… (the bring-up and the user's operations,
// program.ts), live=1 (keeps working instead of powering off), clock=NS (resolution of a
// coarse clock).

import { CMDQV_MAX_VCMDQS } from '../../assembly/layout/cmdqv-registers';
import { RUN_OFF, RUN_YIELD } from '../../assembly/layout/guest-abi';
import { serviceInterrupts } from '../driver/interrupt-handlers';
import { argumentIs, numberArgument, readArguments } from '../runtime/arguments';
import { flushLine } from '../runtime/console';
import { acknowledgeMaps } from '../runtime/safe-point';
import { put, putDecimal, putDecimalIn } from '../runtime/text';
import { amdApplies, amdTitle, LAST_AMD_STEP, onAmd, takeAmdStep } from './amd-toy';
import { atcStep, hasAts } from './atc-step';
import {
  cmdqvResetStep,
  ecmdqResetStep,
  environmentStep,
  hypOwnStep,
  probeStep,
  smmuResetStep,
  tablesStep,
} from './bring-up-steps';
import { btmStep, hasBtm } from './btm-step';
import { sidAttack, trappedAttack, vmidAttack } from './command-attacks';
import { dmaCopyStep, liveMappingStep, staleEntryStep } from './dma-steps';
import {
  experimentTakes,
  forgets,
  NO_EXPERIMENT,
  namedExperiment,
  OWN_PROGRAM,
} from './experiments';
import { forgetStep } from './forget-step';
import { beginLive, liveBeat } from './live';
import { measurementStep, WARM_UP_ROUNDS } from './measurement';
import { measureParallel } from './parallel';
import { hasSubstreams, pasidStep } from './pasid-step';
import { checkProgram, programStep } from './program';
import { illegalCommandStep, mixedBatchStep } from './queue-steps';
import { allocationAttack, sidPairAttack, vintfVmidAttack } from './register-attacks';
import { ringAttack } from './ring-attack';
import { hasFurtherSmmus, smmusStep } from './smmus-step';
import { PATH_ALL, PATH_DIRECT, PATH_TRAPPED, toy, usesCmdqv, usesDirect } from './toy-state';

/** Version of the guest ABI that this guest implements. */
export const vsmmu_abi: i32 = 1;

const LAST_STEP: u32 = 24;
/** Steps that need a CMDQV, and VCMDQs or ECMDQs. */
const HYP_OWN_STEP: u32 = 3;
const QUEUES_STEP: u32 = 6;
const ILLEGAL_COMMAND_STEP: u32 = 10;
const FIRST_ATTACK: u32 = 12;
const LAST_ATTACK: u32 = 17;
const TRAPPED_ATTACK: u32 = 14;
const RING_ATTACK: u32 = 19;
const PASID_STEP: u32 = 20;
const ATC_STEP: u32 = 21;
const SMMUS_STEP: u32 = 22;
const BTM_STEP: u32 = 23;
const PROGRAM_STEP: u32 = 8;
const DEFAULT_ROUNDS = 15;

function title(step: u32): string {
  switch (step) {
    case 1:
      return 'find memory and devices';
    case 2:
      return toy().enhanced != 0 ? 'probe SMMU and ECMDQs' : 'probe SMMU and CMDQV';
    case 3:
      return 'ask for HYP_OWN';
    case 4:
      return 'build stream table, CD and stage-1 tables';
    case 5:
      return 'bring up the SMMU: CMDQ, event queue, translation';
    case 6:
      return toy().enhanced != 0
        ? 'bring up the ECMDQs'
        : 'bring up the CMDQV: VINTF 0 and its VCMDQs';
    case 7:
      return 'copy memory by DMA';
    case 8:
      return forgets(toy().experiment)
        ? 'forget an invalidation'
        : 'unmap, use the stale TLB entry, invalidate, fault';
    case 9:
      return 'send a batch for both queues';
    case 10:
      return toy().enhanced != 0
        ? 'put an illegal command on the ECMDQ and recover'
        : 'put an illegal command on the VCMDQ and recover';
    case 11:
      return 'leave a mapping in the TLB';
    case 12:
      return toy().enhanced != 0
        ? 'attack: VMIDs in commands on the ECMDQ'
        : 'attack: VMIDs in commands on the VCMDQ';
    case 13:
      return toy().enhanced != 0
        ? 'attack: StreamIDs in commands on the ECMDQ'
        : 'attack: StreamIDs in commands on the VCMDQ';
    case 14:
      return 'attack: commands on the trapped CMDQ';
    case 15:
      return 'attack: VINTF_CONFIG.VMID';
    case 16:
      return 'attack: SID_MATCH and SID_REPLACE';
    case 17:
      return 'attack: CMDQ_ALLOC';
    case 18:
      return 'measure unmapping';
    case 19:
      return 'attack: corrupt the ring';
    case 20:
      return 'give the device a second address space by PASID';
    case ATC_STEP:
      return 'let the device keep translations in an ATC';
    case SMMUS_STEP:
      return 'bring up the other SMMUs, unmap for the devices behind each';
    case BTM_STEP:
      return 'invalidate for the device by a TLBI of the vCPU';
    default:
      return toy().goesOn != 0 ? 'work until switched off; ? says what can be typed' : 'power off';
  }
}

/** True when the step belongs to this run. */
function applies(step: u32): bool {
  if (step == LAST_STEP) return true;
  if (toy().broken != 0) return false;
  if (!usesCmdqv() && step == HYP_OWN_STEP) return false;
  if (!usesDirect() && (step == QUEUES_STEP || step == ILLEGAL_COMMAND_STEP)) return false;
  if (toy().experiment != NO_EXPERIMENT) return experimentTakes(toy().experiment, step);
  if (step == RING_ATTACK) return false;
  if (step == PASID_STEP) return hasSubstreams();
  if (step == ATC_STEP) return hasAts();
  if (step == SMMUS_STEP) return hasFurtherSmmus();
  if (step == BTM_STEP) return hasBtm();
  if (step > TRAPPED_ATTACK && step <= LAST_ATTACK) return toy().machines > 1 && usesCmdqv();
  if (step >= FIRST_ATTACK && step <= LAST_ATTACK)
    return toy().machines > 1 && (usesDirect() || step == TRAPPED_ATTACK);
  return true;
}

function readOptions(): void {
  const state = toy();
  state.argumentsLost = readArguments() ? 0 : 1;
  state.path = argumentIs('path=', 'trapped')
    ? PATH_TRAPPED
    : argumentIs('path=', 'direct')
      ? PATH_DIRECT
      : PATH_ALL;
  state.machines = numberArgument('vms=', 1);
  state.machine = numberArgument('machine=', 0);
  state.rounds = numberArgument('rounds=', DEFAULT_ROUNDS);
  state.warmUp = numberArgument('warmup=', WARM_UP_ROUNDS);
  state.experiment = namedExperiment();
  state.goesOn = numberArgument('live=', 0);
  state.clockNs = numberArgument('clock=', 0);
  state.queues = max<u32>(numberArgument('share=', CMDQV_MAX_VCMDQS), 1);
  state.enhanced = argumentIs('queues=', 'ecmdq') ? 1 : 0;
}

function powerOff(): void {
  if (toy().experiment == OWN_PROGRAM) checkProgram();
  put('       ');
  putDecimal(toy().checks);
  put(' checks, ');
  putDecimal(toy().failures);
  put(' failed');
  flushLine();
}

function take(step: u32): void {
  const state = toy();
  switch (step) {
    case 1:
      environmentStep();
      break;
    case 2:
      probeStep();
      break;
    case 3:
      hypOwnStep();
      break;
    case 4:
      tablesStep();
      break;
    case 5:
      smmuResetStep();
      break;
    case 6:
      if (usesCmdqv()) cmdqvResetStep();
      else ecmdqResetStep();
      break;
    case 7:
      dmaCopyStep();
      break;
    case 8:
      if (forgets(state.experiment)) forgetStep();
      else staleEntryStep();
      break;
    case 9:
      mixedBatchStep();
      break;
    case 10:
      illegalCommandStep();
      break;
    case 11:
      liveMappingStep();
      break;
    case 12:
      vmidAttack();
      break;
    case 13:
      sidAttack();
      break;
    case 14:
      trappedAttack();
      break;
    case 15:
      vintfVmidAttack();
      break;
    case 16:
      sidPairAttack();
      break;
    case 17:
      allocationAttack();
      break;
    case 18:
      measurementStep();
      if (usesDirect()) measureParallel(state.rounds);
      break;
    case 19:
      ringAttack();
      break;
    case 20:
      pasidStep();
      break;
    case ATC_STEP:
      atcStep();
      break;
    case SMMUS_STEP:
      smmusStep();
      break;
    case BTM_STEP:
      btmStep();
      break;
    default:
      if (state.goesOn != 0 && state.broken == 0) beginLive();
      else powerOff();
  }
}

/** Runs after all steps: a live run continues until it is switched off. */
function goOn(): i32 {
  if (liveBeat()) return RUN_YIELD;
  powerOff();
  return RUN_OFF;
}

function putTitle(step: u32, text: string): void {
  put('[');
  putDecimalIn(step, 2);
  put('] ');
  put(text);
  flushLine();
}

function runAmd(): i32 {
  const state = toy();
  while (!amdApplies(state.step)) state.step++;
  const step = state.step++;
  putTitle(step, amdTitle(step));
  if (step < LAST_AMD_STEP) takeAmdStep(step);
  else powerOff();
  acknowledgeMaps();
  return step == LAST_AMD_STEP ? RUN_OFF : RUN_YIELD;
}

/**
 * Runs one operation of the user's program; numbers continue after those of the bring-up.
 */
function runProgram(): i32 {
  const state = toy();
  if (!programStep(PROGRAM_STEP + state.operations++)) state.step = LAST_STEP;
  serviceInterrupts();
  return RUN_YIELD;
}

/**
 * Runs one step, regardless of the budget.
 * @returns RUN_YIELD, and RUN_OFF after the last step.
 */
export function vsmmu_run(_budget: i32): i32 {
  const state = toy();
  if (state.step == 0) {
    readOptions();
    state.step = 1;
  }
  if (onAmd()) return runAmd();
  if (state.step > LAST_STEP) return goOn();
  while (!applies(state.step)) state.step++;
  const step = state.step;
  if (step == PROGRAM_STEP && state.experiment == OWN_PROGRAM) return runProgram();
  putTitle(step, title(step));
  take(step);
  serviceInterrupts();
  state.step = step + 1;
  return step == LAST_STEP && (state.goesOn == 0 || state.broken != 0) ? RUN_OFF : RUN_YIELD;
}
