// SPDX-License-Identifier: MIT
// Reports of invalidations to the sanitizer. Without a sanitizer no call is made.

import { judgeCfgi, judgeTlbi } from '../imports/core';
import { CHECKED } from '../imports/unit';

/** Like `judgeTlbi` of imports/core.ts. */
export function tlbiDone(smmu: usize, kind: u32, vmid: u32, asid: u32, d0: u64, d1: u64): void {
  if (CHECKED) judgeTlbi(smmu, kind, vmid, asid, d0, d1);
}

/** Like `judgeCfgi` of imports/core.ts. */
export function cfgiDone(smmu: usize, kind: u32, sid: u32, range: u32, ssid: u32, leaf: u32): void {
  if (CHECKED) judgeCfgi(smmu, kind, sid, range, ssid, leaf);
}
