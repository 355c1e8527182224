// SPDX-License-Identifier: MIT
// A translation, followed by a comparison of the cached entries that it used with the
// current tables.

import { THREAD } from '../imports/unit';
import { ACCESS_LOOK } from '../layout/access';
import { CHECK_AT_COMPARED, SMMU_AT_CHECK } from '../layout/check-memory';
import { CFG_NO_SSID } from '../layout/config-cache-memory';
import {
  THREAD_ATTRIBUTES,
  THREAD_CFG_HITS,
  THREAD_CFG_MISSES,
  THREAD_TLB_HITS,
  THREAD_TLB_INSERTS,
  THREAD_TLB_MISSES,
} from '../layout/thread-memory';
import { pageHint as plainPageHint } from '../smmu-core/page-hint';
import { translate as plainTranslate } from '../smmu-core/translate';
import { judgeCd, judgeTables } from './beyond-shown';
import { compareConfig } from './compare-config';
import { compareReading } from './compare-reading';
import { compareShadow } from './compare-shadow';
import { compareTranslation } from './compare-translation';
import { rememberConfig, rememberTranslation } from './origins';
import { KEPT, savedBlock, WORKED } from './saved-block';
import { keepTranslation } from './shadow-entries';

function counter(offset: usize): i64 {
  return load<i64>(THREAD + offset);
}

/** Like the plain core's `translate`, with the same results and counters. */
export function translate(
  smmu: usize,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
): i32 {
  const configHits = counter(THREAD_CFG_HITS);
  const configMisses = counter(THREAD_CFG_MISSES);
  const hits = counter(THREAD_TLB_HITS);
  const misses = counter(THREAD_TLB_MISSES);
  const inserts = counter(THREAD_TLB_INSERTS);
  const result = plainTranslate(smmu, sid, ssid, iovaLo, iovaHi, attributes);
  const substream = ssid < 0 ? u32(CFG_NO_SSID) : u32(ssid);
  const saved = savedBlock(smmu);
  const configMiss = counter(THREAD_CFG_MISSES) != configMisses;
  if (configMiss && rememberConfig(smmu, sid, substream)) judgeCd(smmu, saved);
  const inserted = counter(THREAD_TLB_INSERTS) != inserts;
  if (inserted) rememberTranslation(smmu);
  const configHit = counter(THREAD_CFG_HITS) != configHits;
  const hit = counter(THREAD_TLB_HITS) != hits;
  const miss = counter(THREAD_TLB_MISSES) != misses;
  if (!configHit && !configMiss && !hit && !miss) return result;

  // The walkers use the thread block, so it is saved here and restored below.
  memory.copy(saved + KEPT, THREAD + KEPT, WORKED);
  store<u32>(THREAD, attributes | u32(ACCESS_LOOK), THREAD_ATTRIBUTES);
  if (inserted) judgeTables(smmu, saved);
  let current = true;
  if (configHit || hit) {
    atomic.add<i32>(smmu, 1, SMMU_AT_CHECK + CHECK_AT_COMPARED);
    // With a stale configuration, the translation would be compared with tables that are
    // no longer in use.
    current = !configHit || compareConfig(smmu, sid, substream, saved);
    if (hit && current) compareTranslation(smmu, sid, substream, saved);
  }
  if (miss && current) compareShadow(smmu, sid, substream, saved);
  if (inserted) {
    memory.copy(THREAD + KEPT, saved + KEPT, WORKED);
    store<u32>(THREAD, attributes | u32(ACCESS_LOOK), THREAD_ATTRIBUTES);
    keepTranslation(smmu);
  }
  if (configMiss) compareReading(smmu, sid, substream);
  memory.copy(THREAD + KEPT, saved + KEPT, WORKED);
  return result;
}

/**
 * Like the plain core's `pageHint`. A hint may be the first to read a stream's
 * configuration.
 */
export function pageHint(
  smmu: usize,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
  pages: u32,
): void {
  const configMisses = counter(THREAD_CFG_MISSES);
  plainPageHint(smmu, sid, ssid, iovaLo, iovaHi, attributes, pages);
  if (counter(THREAD_CFG_MISSES) == configMisses) return;
  const substream = ssid < 0 ? u32(CFG_NO_SSID) : u32(ssid);
  if (rememberConfig(smmu, sid, substream)) judgeCd(smmu, savedBlock(smmu));
}
