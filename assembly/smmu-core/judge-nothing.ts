// SPDX-License-Identifier: MIT
// The reports of the drain to a core with a sanitizer. This core has none: where core and
// drain are one module, the calls disappear.

/** See imports/core.ts. */
export function judgeTlbi(
  _smmu: usize,
  _kind: u32,
  _vmid: u32,
  _asid: u32,
  _d0: u64,
  _d1: u64,
): void {
  // Nothing to judge.
}

/** See imports/core.ts. */
export function judgeCfgi(
  _smmu: usize,
  _kind: u32,
  _sid: u32,
  _range: u32,
  _ssid: u32,
  _leaf: u32,
): void {
  // Nothing to judge.
}
