// SPDX-License-Identifier: MIT
// The linear stream table and its entries.

import {
  STE_CONFIG,
  STE_CONFIG_ABORT,
  STE_CONFIG_S1,
  STE_EATS,
  STE_EATS_FULL,
  STE_S1CDMAX,
  STE_S1CIR,
  STE_S1COR,
  STE_S1CSH,
  STE_S1DSS,
  STE_SIZE,
  STE_V,
} from '../../assembly/layout/ste';
import { gpaOf } from '../runtime/abi';
import { place } from '../runtime/guest-fields';
import { beginBatch, nextCommand, submitBatch } from './batch';
import { buildCfgiSte } from './build-commands';
import { RESULT_BAD_ARGUMENT, RESULT_OK } from './result';
import { smmu } from './smmu';

/**
 * S1DSS: a transaction without a SubstreamID uses CD 0. Cacheability and shareability of
 * CD fetches.
 */
const DSS_USE_CD0 = 2;
const WRITE_BACK = 1;
const INNER_SHAREABLE = 3;

/** Memory offset of a stream's STE, 0 when the table does not reach it. */
export function steOf(sid: u32): usize {
  const state = smmu();
  return sid < (<u32>1) << state.streamLog2 ? state.streamTable + sid * STE_SIZE : 0;
}

/** Doubleword 0 of an STE that aborts silently: valid, Config 0. */
function abortWord(): u32 {
  return place(STE_V, 1) | place(STE_CONFIG, STE_CONFIG_ABORT);
}

/** Makes every stream abort. */
export function fillStreamTable(): void {
  const count: u32 = 1 << smmu().streamLog2;
  for (let sid: u32 = 0; sid < count; sid++) {
    memory.fill(steOf(sid), 0, STE_SIZE);
    store<u64>(steOf(sid), abortWord());
  }
}

function invalidateSte(sid: u32): i32 {
  beginBatch();
  buildCfgiSte(nextCommand(), sid);
  return submitBatch();
}

/**
 * Switches a stream that aborts to stage 1 translation. The SMMU may read the STE at any
 * time, so the driver writes first the part that an aborting STE does not use, then
 * doubleword 0 in one store, each followed by CFGI_STE.
 * @param cds memory offset of the stream's CDs, aligned to their size. Transactions
 *   without a SubstreamID use the first.
 * @param cdMax log2 of their number.
 * @param ats the device may request translations and use them, if IDR0 has ATS.
 */
export function attachStage1(sid: u32, cds: usize, cdMax: u32, ats: bool = false): i32 {
  const ste = steOf(sid);
  if (ste == 0) return RESULT_BAD_ARGUMENT;
  const attributes =
    place(STE_S1DSS, DSS_USE_CD0) |
    place(STE_S1CIR, WRITE_BACK) |
    place(STE_S1COR, WRITE_BACK) |
    place(STE_S1CSH, INNER_SHAREABLE) |
    place(STE_EATS, ats ? STE_EATS_FULL : 0);
  atomic.store<u64>(ste, attributes, 8);
  const result = invalidateSte(sid);
  if (result != RESULT_OK) return result;
  // S1ContextPtr is an address in its own bits of the doubleword, so no shift is needed.
  const low = <u64>gpaOf(cds) | place(STE_V, 1) | place(STE_CONFIG, STE_CONFIG_S1);
  atomic.store<u64>(ste, low | (u64(place(STE_S1CDMAX, cdMax)) << 32));
  return invalidateSte(sid);
}

/** Makes a stream abort again. */
export function detachStream(sid: u32): i32 {
  const ste = steOf(sid);
  if (ste == 0) return RESULT_BAD_ARGUMENT;
  atomic.store<u64>(ste, abortWord());
  return invalidateSte(sid);
}
