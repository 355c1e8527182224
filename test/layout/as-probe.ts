// SPDX-License-Identifier: MIT
// The layout tables in AssemblyScript: compiled only by assemblyscript.test.ts. The
// constants are exported as globals; the functions are the accessors that the hot modules
// and the guest use.

import { bits, maskOf, placed } from '../../assembly/lib/fields';

export * from '../../assembly/layout/access';
export * from '../../assembly/layout/action-memory';
export * from '../../assembly/layout/amd-block';
export * from '../../assembly/layout/amd-formats';
export * from '../../assembly/layout/arm64-map-table';
export * from '../../assembly/layout/arm64-records';
export * from '../../assembly/layout/arm64-regions';
export * from '../../assembly/layout/arm64-results';
export * from '../../assembly/layout/arm64-state';
export * from '../../assembly/layout/arm64-stop-points';
export * from '../../assembly/layout/ats-memory';
export * from '../../assembly/layout/ats-results';
export * from '../../assembly/layout/cd';
export * from '../../assembly/layout/check-memory';
export * from '../../assembly/layout/checkpoint-registers';
export * from '../../assembly/layout/cmdqv-registers';
export * from '../../assembly/layout/commands';
export * from '../../assembly/layout/config-cache-memory';
export * from '../../assembly/layout/context-memory';
export * from '../../assembly/layout/descriptors';
export * from '../../assembly/layout/dma-engine-registers';
export * from '../../assembly/layout/doorbell-id';
export * from '../../assembly/layout/drain-results';
export * from '../../assembly/layout/events';
export * from '../../assembly/layout/gic-memory';
export * from '../../assembly/layout/gic-registers';
export * from '../../assembly/layout/gicv2m-registers';
export * from '../../assembly/layout/guest-abi';
export * from '../../assembly/layout/guest-port-results';
export * from '../../assembly/layout/host-memory';
export * from '../../assembly/layout/iotlb-memory';
export * from '../../assembly/layout/its-formats';
export * from '../../assembly/layout/its-registers';
export * from '../../assembly/layout/page-requests';
export * from '../../assembly/layout/pl011-registers';
export * from '../../assembly/layout/pl031-registers';
export * from '../../assembly/layout/queue-memory';
export * from '../../assembly/layout/segment-memory';
export * from '../../assembly/layout/set-sequence';
export * from '../../assembly/layout/shadow-memory';
export * from '../../assembly/layout/shown-fields';
export * from '../../assembly/layout/smmu-memory';
export * from '../../assembly/layout/smmu-registers';
export * from '../../assembly/layout/stall-memory';
export * from '../../assembly/layout/ste';
export * from '../../assembly/layout/thread-memory';
export * from '../../assembly/layout/timer-control';
export * from '../../assembly/layout/trace-memory';
export * from '../../assembly/layout/translate-results';
export * from '../../assembly/layout/vmid-memory';
export * from '../../assembly/layout/vtd-formats';
export * from '../../assembly/layout/walk-results';

/** `word` with the field replaced. */
export function insert(word: u32, field: i32, value: u32): u32 {
  return (word & ~maskOf(field)) | placed(value, field);
}

export function extract(word: u32, field: i32): u32 {
  return bits(word, field);
}
