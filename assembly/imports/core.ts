// SPDX-License-Identifier: MIT
// Imports of the drain from the SMMU core (the file's name is the import module's name):
// its clock, the writers of the trace ring, and the reports to the sanitizer.

/** Milliseconds since HOST_AT_EPOCH. */
export declare function clock(): f64;
export declare function traceDoorbell(smmu: usize): void;
export declare function traceRun(smmu: usize, queue: usize, most: u32): usize;
export declare function endTraceRun(commandsAt: usize, commands: u32, refused: bool): void;
/**
 * Reports an invalidation that visits entries, after its execution.
 * @param kind TLBI_OF_* (layout/shadow-memory.ts).
 * @param asid like that of `invalidateVa`.
 * @param d0 doubleword 0 of the command, for TLBI_OF_VA and TLBI_OF_IPA.
 * @param d1 doubleword 1.
 */
export declare function judgeTlbi(
  smmu: usize,
  kind: u32,
  vmid: u32,
  asid: u32,
  d0: u64,
  d1: u64,
): void;
/**
 * Reports a CFGI, after its execution.
 * @param kind CFGI_OF_* (layout/shadow-memory.ts).
 * @param range log2 of the number of streams: the aligned range that includes `sid`.
 * @param ssid the SubstreamID, for CFGI_OF_CD.
 * @param leaf its Leaf field: 1 when level-1 descriptors need not be invalidated.
 */
export declare function judgeCfgi(
  smmu: usize,
  kind: u32,
  sid: u32,
  range: u32,
  ssid: u32,
  leaf: u32,
): void;
