// SPDX-License-Identifier: MIT
// Counters of the physical SMMU as plain data.

import {
  SMMU_AT_STATS,
  STAT_ATC_INV,
  STAT_ATC_TIMEOUT,
  STAT_ATS_REQUESTS,
  STAT_BUDGET_EXHAUSTED,
  STAT_CFGI,
  STAT_ERROR_HELD,
  STAT_ERROR_PUBLISHED,
  STAT_ERROR_SKIPPED,
  STAT_EVENTQ_ABORT,
  STAT_EVENTQ_OVERFLOW,
  STAT_EVENTS,
  STAT_FETCH_ABORT,
  STAT_ILL_CS,
  STAT_ILL_OPCODE,
  STAT_ILL_RANGE,
  STAT_ILL_SID,
  STAT_ILL_SSEC,
  STAT_INIT_ERROR,
  STAT_MSIS,
  STAT_PAGE_REQUESTS,
  STAT_PARKS,
  STAT_PRI_AUTO,
  STAT_PROD_RANGE,
  STAT_REPAIRS,
  STAT_ROUNDS_EXHAUSTED,
} from '../../assembly/layout/smmu-memory.ts';
import { EVENTS } from '../../devices/tables/index.ts';

const COUNTERS = {
  illegalOpcode: STAT_ILL_OPCODE,
  illegalSecure: STAT_ILL_SSEC,
  illegalCompletion: STAT_ILL_CS,
  illegalStream: STAT_ILL_SID,
  illegalRange: STAT_ILL_RANGE,
  fetchAborts: STAT_FETCH_ABORT,
  initErrors: STAT_INIT_ERROR,
  repairs: STAT_REPAIRS,
  prodOutOfRange: STAT_PROD_RANGE,
  parks: STAT_PARKS,
  roundsExhausted: STAT_ROUNDS_EXHAUSTED,
  budgetExhausted: STAT_BUDGET_EXHAUSTED,
  eventQueueOverflows: STAT_EVENTQ_OVERFLOW,
  eventQueueAborts: STAT_EVENTQ_ABORT,
  errorsHeld: STAT_ERROR_HELD,
  errorsPublished: STAT_ERROR_PUBLISHED,
  errorsSkipped: STAT_ERROR_SKIPPED,
  atcInvalidations: STAT_ATC_INV,
  atcTimeouts: STAT_ATC_TIMEOUT,
  atsRequests: STAT_ATS_REQUESTS,
  pageRequests: STAT_PAGE_REQUESTS,
  pageRequestsAnswered: STAT_PRI_AUTO,
  configInvalidations: STAT_CFGI,
  syncMsis: STAT_MSIS,
} as const;

/** Counters of a physical SMMU since its host was made, as plain data. */
export type SmmuCounters = Readonly<Record<keyof typeof COUNTERS, number>> & {
  /** Records that the SMMU tried to write, by name. */
  readonly events: Readonly<Record<string, number>>;
};

/** `smmu` is the byte offset of the SMMU block. */
export function smmuCounters(hostMemory: WebAssembly.Memory, smmu: number): SmmuCounters {
  const words = new Int32Array(hostMemory.buffer);
  const at = (offset: number) => Atomics.load(words, (smmu + SMMU_AT_STATS + offset) >> 2);
  const counters = Object.fromEntries(
    Object.entries(COUNTERS).map(([name, offset]) => [name, at(offset)]),
  );
  const events: Record<string, number> = {};
  for (const { id, name } of EVENTS) {
    const count = at(STAT_EVENTS + 4 * id);
    if (count > 0) events[name] = count;
  }
  return { ...(counters as Record<keyof typeof COUNTERS, number>), events };
}
