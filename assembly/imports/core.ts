// SPDX-License-Identifier: MIT
// Imports of the drain from the SMMU core (the file's name is the import module's name):
// its clock, the writers of the trace ring, and what the sanitizer has to know.

/** Milliseconds since HOST_AT_EPOCH. */
export declare function clock(): f64;
export declare function traceDoorbell(smmu: usize): void;
export declare function traceRun(smmu: usize, queue: usize, most: u32): usize;
export declare function endTraceRun(commandsAt: usize, commands: u32, refused: bool): void;
/**
 * An invalidation that visits entries has been carried out.
 * @param kind TLBI_OF_* (layout/shadow-memory.ts).
 * @param asid as of `invalidateVa`.
 * @param d0 the command's doublewords, of TLBI_OF_VA and TLBI_OF_IPA.
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
 * A CFGI has been carried out.
 * @param kind CFGI_OF_* (layout/shadow-memory.ts).
 * @param range log2 of the streams that it names, which are those around `sid`.
 * @param ssid the SubstreamID, of CFGI_OF_CD.
 * @param leaf its Leaf: 1 when level-1 descriptors need not go.
 */
export declare function judgeCfgi(
  smmu: usize,
  kind: u32,
  sid: u32,
  range: u32,
  ssid: u32,
  leaf: u32,
): void;
