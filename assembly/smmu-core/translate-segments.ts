// SPDX-License-Identifier: MIT
// Translates an access of several pages into the fewest contiguous segments.

import { THREAD, THREAD_ID } from '../imports/unit';
import { ACCESS_INSTRUCTION, ACCESS_WRITE } from '../layout/access';
import { CFG_ASID, CFG_CONFIG, CFG_VMID } from '../layout/config-cache-memory';
import { HOST_SEGMENTS, SEGMENTS_STRIDE } from '../layout/host-memory';
import {
  MAX_SEGMENTS,
  SEGMENT_LENGTH,
  SEGMENT_PA,
  SEGMENT_SIZE,
  SEGMENTS_COUNT,
  SEGMENTS_FIRST,
} from '../layout/segment-memory';
import { STE_CONFIG_BYPASS, STE_CONFIG_S2 } from '../layout/ste';
import { THREAD_CFG, THREAD_PA, THREAD_PA_SIZE } from '../layout/thread-memory';
import { TRANSLATE_OK } from '../layout/translate-results';
import { hits, translate } from './translate';

/**
 * Translates an access of `length` bytes within one registered access. Stops at the first
 * byte that has no translation, or that would need one segment too many. Fills this
 * thread's segment block. The scratch words that `translate` fills are those of its last
 * call.
 *
 * The configuration of the first page applies to all pages: a CMD_SYNC that follows a
 * CFGI waits for the access, like one that follows a TLBI.
 * @returns TRANSLATE_OK, or the reason why the byte after the segments has no
 *   translation.
 */
export function translateSegments(
  smmu: usize,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
  length: u32,
): i32 {
  const iova = (u64(iovaHi) << 32) | u64(iovaLo);
  // Writes are data, as in `translate`.
  const looked = attributes & ACCESS_WRITE ? attributes & ~ACCESS_INSTRUCTION : attributes;
  const block: usize = HOST_SEGMENTS + (THREAD_ID - 1) * SEGMENTS_STRIDE;
  let segment: usize = block + SEGMENTS_FIRST - SEGMENT_SIZE;
  let count: u32 = 0;
  let end: u64 = 0;
  let done: u32 = 0;
  let vmid: u32 = 0;
  let asid: u32 = 0;
  let stage2Only = false;
  let cached = false;
  let result: i32 = TRANSLATE_OK;
  while (done < length) {
    const at = iova + u64(done);
    if (!cached || !hits(smmu, vmid, asid, at, stage2Only, looked)) {
      // While SMMUEN is 0 no configuration is read, and THREAD_CFG has that of another
      // access.
      store<u32>(THREAD + THREAD_CFG, STE_CONFIG_BYPASS, CFG_CONFIG);
      result = translate(smmu, sid, ssid, u32(at), u32(at >> 32), attributes);
      if (result != TRANSLATE_OK) break;
      const config = load<u32>(THREAD + THREAD_CFG, CFG_CONFIG);
      cached = config > <u32>STE_CONFIG_BYPASS;
      vmid = load<u32>(THREAD + THREAD_CFG, CFG_VMID);
      asid = load<u32>(THREAD + THREAD_CFG, CFG_ASID);
      stage2Only = config == STE_CONFIG_S2;
    }
    const pa = load<u64>(THREAD, THREAD_PA);
    const size = (<u64>1) << u64(load<u32>(THREAD, THREAD_PA_SIZE));
    const bytes = u32(min(size - (pa & (size - 1)), u64(length - done)));
    if (count == 0 || pa != end) {
      if (count == MAX_SEGMENTS) break;
      count++;
      segment += SEGMENT_SIZE;
      store<u64>(segment, pa, SEGMENT_PA);
      store<u32>(segment, 0, SEGMENT_LENGTH);
    }
    store<u32>(segment, load<u32>(segment, SEGMENT_LENGTH) + bytes, SEGMENT_LENGTH);
    end = pa + u64(bytes);
    done += bytes;
  }
  store<u32>(block, count, SEGMENTS_COUNT);
  return result;
}
