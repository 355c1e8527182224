// SPDX-License-Identifier: MIT
// Hints of client devices that they will access pages soon: E_PAGE_REQUEST (IHI 0070
// sections 3.12.4.1 and 7.3.19). How a device gives the hint is IMPLEMENTATION DEFINED;
// here it is a call of its port.

import { THREAD } from '../imports/unit';
import { ACCESS_INSTRUCTION, ACCESS_PRIVILEGED, ACCESS_WRITE } from '../layout/access';
import { CFG_CONFIG, CFG_NO_SSID } from '../layout/config-cache-memory';
import {
  E_PAGE_REQUEST,
  EVT_PR,
  EVT_PW,
  EVT_PX,
  EVT_SPAN,
  EVT_UR,
  EVT_UW,
  EVT_UX,
} from '../layout/events';
import { SMMU_AT_CR0 } from '../layout/smmu-memory';
import { CR0_SMMUEN } from '../layout/smmu-registers';
import { STE_CONFIG_BYPASS } from '../layout/ste';
import {
  THREAD_ATTRIBUTES,
  THREAD_CFG,
  THREAD_EVENT,
  THREAD_IOVA,
  THREAD_SID,
  THREAD_SSID,
} from '../layout/thread-memory';
import { bits, maskOf, placed } from '../lib/fields';
import { configure } from './configure';
import { noEvent, recordMiscellaneous, walkFault } from './faults';

const PAGE_MASK: u64 = 0xfffffffffffff000;

// The expected access, as the record encodes it.
function expected(attributes: u32): u32 {
  const privileged = (attributes & ACCESS_PRIVILEGED) != 0;
  if (attributes & ACCESS_WRITE) return maskOf(privileged ? EVT_PW : EVT_UW);
  if (attributes & ACCESS_INSTRUCTION) return maskOf(privileged ? EVT_PX : EVT_UX);
  return maskOf(privileged ? EVT_PR : EVT_UR);
}

/**
 * Reports that a stream expects to access `pages` pages of 4 KiB, 1 to 255, from an
 * address on. The hint is speculative: where the addresses of the stream are not
 * translated, or its configuration is faulty, nothing is recorded (sections 3.14 and
 * 7.2). Whether the pages are mapped makes no difference. Fills the access; otherwise
 * like `translate`.
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
  const substream = ssid < 0 ? u32(CFG_NO_SSID) : u32(ssid);
  const page = ((u64(iovaHi) << 32) | u64(iovaLo)) & PAGE_MASK;
  store<u32>(THREAD, sid, THREAD_SID);
  store<u32>(THREAD, substream, THREAD_SSID);
  store<u64>(THREAD, page, THREAD_IOVA);
  store<u32>(THREAD, attributes, THREAD_ATTRIBUTES);
  if (
    !bits(atomic.load<u32>(smmu, SMMU_AT_CR0), CR0_SMMUEN) ||
    !configure(smmu, sid, substream) ||
    load<u32>(THREAD + THREAD_CFG, CFG_CONFIG) == STE_CONFIG_BYPASS
  ) {
    noEvent();
    return;
  }
  walkFault(E_PAGE_REQUEST, 0, false, 0);
  store<u32>(THREAD, expected(attributes) | placed(pages & 0xff, EVT_SPAN), THREAD_EVENT + 12);
  recordMiscellaneous(smmu);
}
