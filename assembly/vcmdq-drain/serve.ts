// SPDX-License-Identifier: MIT
// Serves a queue: applies its register writes and enables, then runs rounds of commands
// until no doorbell has arrived during the last one.

import { load128 } from '../imports/port';
import { WINDOW } from '../imports/unit';
import { VCMDQ_GERROR_CMDQ_ERR, VCMDQ_GERROR_CMDQ_INIT_ERR } from '../layout/cmdqv-registers';
import { CERROR_ATC_INV_SYNC } from '../layout/commands';
import { CTX_ENABLED } from '../layout/context-memory';
import { SERVICE_COMMANDS, SERVICE_ROUNDS } from '../layout/drain-results';
import {
  QUEUE_ALLOCATED,
  QUEUE_COMMANDS,
  QUEUE_CONS,
  QUEUE_ENABLED,
  QUEUE_ERR,
  QUEUE_ERROR_HELD,
  QUEUE_ERROR_PUBLISHED,
  QUEUE_GERROR,
  QUEUE_KIND,
  QUEUE_KIND_ECMDQ,
  QUEUE_LOG2SIZE,
  QUEUE_NEEDS_HOST,
  QUEUE_PARK_EPOCH,
  QUEUE_PARKED,
  QUEUE_PARKED_D0,
  QUEUE_PARKED_D1,
  QUEUE_RING,
  QUEUE_RING_WINDOW,
  QUEUE_RUNNING,
  QUEUE_STATE,
  QUEUE_SYNCS,
} from '../layout/queue-memory';
import {
  SMMU_AT_CMDQV_EN,
  STAT_ATC_TIMEOUT,
  STAT_BUDGET_EXHAUSTED,
  STAT_INIT_ERROR,
  STAT_REPAIRS,
  STAT_ROUNDS_EXHAUSTED,
} from '../layout/smmu-memory';
import { CMDQ_CONS_ERR, ECMDQ_CONS_ENACK, Q_INDEX } from '../layout/smmu-registers';
import { maskOf, placed } from '../lib/fields';
import { syncPassed } from '../smmu-core/in-flight';
import { NOWHERE } from '../smmu-core/physical-memory';
import { atcsAnswered, timedOut } from './atc-wait';
import { applyEcmdqEnables, ecmdqCons, ecmdqHasWork } from './ecmdq';
import { callHost, releaseAndCallHost, releaseUnlessRung, ring, rings } from './ownership';
import { contextOf, disable, isVcmdq, restart, stat, stop, unpark } from './queue-words';
import { BUDGET, holdError, run } from './run-commands';
import { signal } from './sync';
import {
  CONFIG,
  CONS,
  GERROR,
  inGuest,
  MAPPED_CONS,
  MAPPED_PROD,
  PROD,
  page0Of,
  readPair,
  readRegister,
  STATUS,
  writeIfChanged,
  writeRegister,
} from './vcmdq-page0';

/** Work of a call that has used up its rounds. */
export const SERVICE_WORK: u32 = SERVICE_COMMANDS;

/**
 * CONS as software reads it: index, wrap bit and, while an error is published, the error
 * code.
 */
export function publicCons(queue: usize): u32 {
  const published = load<u32>(queue, QUEUE_STATE) == QUEUE_ERROR_PUBLISHED;
  return (
    load<u32>(queue, QUEUE_CONS) |
    (published ? placed(load<u32>(queue, QUEUE_ERR), CMDQ_CONS_ERR) : 0)
  );
}

// CONFIG.EN changes from 0 to 1: CONS is read from the register once; from then on the
// queue block is authoritative.
function enable(smmu: usize, queue: usize, cons: u32, gerrorn: u32): void {
  if (load<u32>(queue, QUEUE_RING) == 0) {
    const gerror = load<u32>(queue, QUEUE_GERROR);
    if (((gerror ^ gerrorn) & maskOf(VCMDQ_GERROR_CMDQ_INIT_ERR)) != 0) return;
    atomic.store<u32>(queue, gerror ^ maskOf(VCMDQ_GERROR_CMDQ_INIT_ERR), QUEUE_GERROR);
    stat(smmu, STAT_INIT_ERROR);
    callHost();
    return;
  }
  const indexMask = ((<u32>2) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1;
  atomic.store<u32>(queue, cons & indexMask, QUEUE_CONS);
  restart(queue);
  atomic.store<u32>(queue, 1, QUEUE_ENABLED);
}

// Applies the enables of a VCMDQ; true when the queue is enabled.
function applyEnables(
  smmu: usize,
  queue: usize,
  context: usize,
  config: u32,
  cons: u32,
  gerrorn: u32,
): bool {
  const wanted =
    (config & 1) != 0 &&
    atomic.load<u32>(queue, QUEUE_ALLOCATED) != 0 &&
    atomic.load<u32>(context, CTX_ENABLED) != 0 &&
    atomic.load<u32>(smmu, SMMU_AT_CMDQV_EN) != 0;
  const is = load<u32>(queue, QUEUE_ENABLED) != 0;
  if (wanted && !is) enable(smmu, queue, cons, gerrorn);
  else if (!wanted && is) disable(smmu, queue);
  return load<u32>(queue, QUEUE_ENABLED) != 0;
}

// True when the queue may run now. A stop whose cause has gone ends here: a parked
// CMD_SYNC completes, an acknowledged error is cleared.
function leaveStop(smmu: usize, queue: usize, gerrorn: u32): bool {
  const state = load<u32>(queue, QUEUE_STATE);
  if (state == QUEUE_RUNNING) return true;
  if (state == QUEUE_PARKED) {
    if (!syncPassed(load<i64>(queue, QUEUE_PARK_EPOCH))) return false;
    const cons = load<u32>(queue, QUEUE_CONS);
    if (!atcsAnswered(smmu, queue)) {
      if (!timedOut(smmu, queue)) return false;
      unpark(smmu, queue);
      holdError(smmu, queue, cons, CERROR_ATC_INV_SYNC, STAT_ATC_TIMEOUT);
      return false;
    }
    unpark(smmu, queue);
    const next = (cons + 1) & (((<u32>2) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1);
    if (
      !signal(
        smmu,
        queue,
        next,
        load<u64>(queue, QUEUE_PARKED_D0),
        load<u64>(queue, QUEUE_PARKED_D1),
      )
    ) {
      stop(queue, cons, QUEUE_NEEDS_HOST);
      return false;
    }
    atomic.store<u32>(queue, next, QUEUE_CONS);
    store<i64>(queue, load<i64>(queue, QUEUE_COMMANDS) + 1, QUEUE_COMMANDS);
    store<i64>(queue, load<i64>(queue, QUEUE_SYNCS) + 1, QUEUE_SYNCS);
    return true;
  }
  // A published error ends when software has made GERRORN equal to GERROR; the command is
  // then fetched again (IHI 0070 section 7.1).
  if (state != QUEUE_ERROR_PUBLISHED || !isVcmdq(queue)) return false;
  if (((load<u32>(queue, QUEUE_GERROR) ^ gerrorn) & maskOf(VCMDQ_GERROR_CMDQ_ERR)) != 0)
    return false;
  restart(queue);
  return true;
}

// One round of an owned VCMDQ: reads every register once, in pairs, and restores the
// read-only ones afterwards.
function roundOfVcmdq(smmu: usize, queue: usize, context: usize, page0: i64): u32 {
  const consProd = readPair(page0, CONS);
  const configStatus = readPair(page0, CONFIG);
  const gerrorGerrorn = readPair(page0, GERROR);
  const cons = u32(consProd);
  const gerrorn = u32(gerrorGerrorn >> 32);
  let done: u32 = 0;
  const was = load<u32>(queue, QUEUE_ENABLED) != 0;
  const expected = publicCons(queue);
  const runs = applyEnables(smmu, queue, context, u32(configStatus), cons, gerrorn);
  // Software may write CONS while the queue is off; STATUS and GERROR are read-only at
  // all times.
  if (was && runs && (cons != expected || u32(configStatus >> 32) != 1)) stat(smmu, STAT_REPAIRS);
  if (runs) {
    if (leaveStop(smmu, queue, gerrorn)) done = run(smmu, queue, context, u32(consProd >> 32));
    writeIfChanged(page0, CONS, cons, publicCons(queue));
  }
  writeIfChanged(page0, STATUS, u32(configStatus >> 32), load<u32>(queue, QUEUE_ENABLED));
  writeIfChanged(page0, GERROR, u32(gerrorGerrorn), load<u32>(queue, QUEUE_GERROR));
  return done;
}

// One round of an ECMDQ in guest memory. While its device model has not enabled it
// (QUEUE_ALLOCATED), its registers are ignored.
function roundOfEcmdq(smmu: usize, queue: usize, context: usize, place: i64): u32 {
  if (!inGuest(place) || atomic.load<u32>(queue, QUEUE_ALLOCATED) == 0) return 0;
  const prodCons = readPair(place, MAPPED_PROD);
  const prod = u32(prodCons);
  const cons = u32(prodCons >> 32);
  const was = load<u32>(queue, QUEUE_ENABLED) != 0;
  if (was && cons != ecmdqCons(queue)) stat(smmu, STAT_REPAIRS);
  let done: u32 = 0;
  if (applyEcmdqEnables(smmu, queue, prod, cons)) {
    if (leaveStop(smmu, queue, 0)) done = run(smmu, queue, context, prod);
    writeIfChanged(place, MAPPED_CONS, cons, ecmdqCons(queue));
  } else {
    // Now that the queue is off, CONS belongs to software, except ENACK.
    writeIfChanged(
      place,
      MAPPED_CONS,
      cons,
      was ? ecmdqCons(queue) : cons & ~maskOf(ECMDQ_CONS_ENACK),
    );
  }
  return done;
}

// True when a round of a CMDQ in guest memory would find work. A CMDQ whose registers are
// in host memory is not polled: its device model has it served at each write of PROD.
function overlayHasWork(queue: usize, place: i64): bool {
  if (!inGuest(place) || atomic.load<u32>(queue, QUEUE_ALLOCATED) == 0) return false;
  const state = load<u32>(queue, QUEUE_STATE);
  if (state == QUEUE_PARKED) return true;
  if (state != QUEUE_RUNNING) return false;
  const cons = load<u32>(queue, QUEUE_CONS);
  const indexMask = ((<u32>2) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1;
  if (readRegister(place, MAPPED_CONS) != cons) return true;
  return ((readRegister(place, MAPPED_PROD) ^ cons) & maskOf(Q_INDEX) & indexMask) != 0;
}

/**
 * True when CONS, PROD, CONFIG and STATUS of a running VCMDQ show that it has nothing to
 * do. Costs one call into the guest port. `hasWork` covers the rest: GERROR, and queues
 * in any other state.
 */
export function isIdleFast(queue: usize, context: usize): bool {
  if (load<u32>(queue, QUEUE_STATE) != QUEUE_RUNNING || load<u32>(queue, QUEUE_ENABLED) != 1)
    return false;
  const page0 = page0Of(queue, context);
  if (page0 >> 32 != 1) return false;
  const idle = i64x2.replace_lane(i32x4.splat(load<u32>(queue, QUEUE_CONS)), 1, 0x0000000100000001);
  return i32x4.all_true(i32x4.eq(load128(u32(page0)), idle));
}

/**
 * True when a round of the queue would find work. Only loads: a side core polls this
 * continuously. Acquiring the queue for each poll would cost ten times as much, and a
 * doorbell in the meantime would find the queue owned.
 */
export function hasWork(queue: usize, context: usize): bool {
  const page0 = page0Of(queue, context);
  if (page0 == NOWHERE) return false;
  if (!isVcmdq(queue))
    return load<u32>(queue, QUEUE_KIND) == QUEUE_KIND_ECMDQ
      ? ecmdqHasWork(queue, page0)
      : overlayHasWork(queue, page0);
  const configStatus = readPair(page0, CONFIG);
  const gerrorGerrorn = readPair(page0, GERROR);
  const enabled = atomic.load<u32>(queue, QUEUE_ENABLED);
  if ((u32(configStatus) & 1) != enabled || u32(configStatus >> 32) != enabled) return true;
  if (u32(gerrorGerrorn) != load<u32>(queue, QUEUE_GERROR)) return true;
  if (enabled == 0) return false;
  const state = load<u32>(queue, QUEUE_STATE);
  if (state == QUEUE_PARKED) return true;
  const consProd = readPair(page0, CONS);
  if (u32(consProd) != publicCons(queue)) return true;
  if (state == QUEUE_ERROR_PUBLISHED) {
    return ((u32(gerrorGerrorn) ^ u32(gerrorGerrorn >> 32)) & maskOf(VCMDQ_GERROR_CMDQ_ERR)) == 0;
  }
  if (state != QUEUE_RUNNING) return false;
  const indexMask = ((<u32>2) << load<u32>(queue, QUEUE_LOG2SIZE)) - 1;
  return ((u32(consProd >> 32) ^ load<u32>(queue, QUEUE_CONS)) & maskOf(Q_INDEX) & indexMask) != 0;
}

// One round of an owned queue. A CMDQ runs while its device model, which applies CMDQEN
// and the other register writes, has it allocated.
function round(smmu: usize, queue: usize): u32 {
  const context = contextOf(smmu, queue);
  const page0 = page0Of(queue, context);
  if (page0 == NOWHERE) return 0;
  if (isVcmdq(queue)) return roundOfVcmdq(smmu, queue, context, page0);
  if (load<u32>(queue, QUEUE_KIND) == QUEUE_KIND_ECMDQ)
    return roundOfEcmdq(smmu, queue, context, page0);
  const overlaid = inGuest(page0);
  let done: u32 = 0;
  if (atomic.load<u32>(queue, QUEUE_ALLOCATED) != 0 && leaveStop(smmu, queue, 0))
    done = run(smmu, queue, context, readRegister(page0, overlaid ? MAPPED_PROD : PROD));
  if (!overlaid) {
    writeRegister(page0, CONS, load<u32>(queue, QUEUE_CONS));
  } else {
    const seen = readRegister(page0, MAPPED_CONS);
    const cons = load<u32>(queue, QUEUE_CONS);
    // While an error is held, the CONS in guest memory may carry its code, which the
    // device model has written.
    if (load<u32>(queue, QUEUE_STATE) != QUEUE_ERROR_HELD || (seen & maskOf(Q_INDEX)) != cons)
      writeIfChanged(page0, MAPPED_CONS, seen, cons);
  }
  return done;
}

// False for the queue of another machine, found as a parked queue or by the host's own
// unit: this unit cannot access that machine's memory.
function reaches(smmu: usize, queue: usize): bool {
  const ringWindow = load<u32>(queue, QUEUE_RING_WINDOW);
  return (
    (ringWindow == 0 || ringWindow == u32(WINDOW)) &&
    page0Of(queue, contextOf(smmu, queue)) != NOWHERE
  );
}

/**
 * Serves a queue that the caller owns until no doorbell has arrived during a round, or
 * the rounds are used up. Returns the work, in the unit of `run`.
 */
export function serveOwned(smmu: usize, queue: usize): u32 {
  // A queue that this unit cannot read is released unserved if the caller's ring is the
  // only one. Otherwise its own machine has rung in the meantime, and the host has to get
  // it served.
  if (!reaches(smmu, queue)) {
    if (!releaseUnlessRung(queue, 1)) releaseAndCallHost(queue);
    return 0;
  }
  let total: u32 = 0;
  // What the count is at first, unless somebody else has rung.
  let seen = 1;
  for (let i = 0; i < SERVICE_ROUNDS; i++, seen = rings(queue)) {
    const done = round(smmu, queue);
    total += done;
    if (done >= BUDGET) continue;
    if (releaseUnlessRung(queue, seen)) return total;
    if (i == SERVICE_ROUNDS - 1) stat(smmu, STAT_ROUNDS_EXHAUSTED);
  }
  stat(smmu, STAT_BUDGET_EXHAUSTED);
  releaseAndCallHost(queue);
  return total;
}

/** Rings a queue, and serves it if nobody else owns it. Returns the work. */
export function serveQueue(smmu: usize, queue: usize): u32 {
  return ring(queue) ? serveOwned(smmu, queue) : 0;
}
