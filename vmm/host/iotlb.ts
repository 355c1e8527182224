// What the IOTLB holds, read from host memory without touching it.

import {
  SMMU_AT_ALL_GEN,
  SMMU_AT_TLB,
  SMMU_AT_VMIDS,
  TLB_ALL_GEN,
  TLB_ASID_PERM,
  TLB_ENTRY_SIZE,
  TLB_GEN,
  TLB_META,
  TLB_META_GLOBAL,
  TLB_META_S2,
  TLB_META_VALID,
  TLB_META_VMID,
  TLB_SETS,
  TLB_WAYS,
  VMID_ALL_GEN,
  VMID_ASID_GEN,
  VMID_ASID_SLOTS,
  VMID_STRIDE,
} from '../../assembly/layout/host-memory.ts';
import { bitsOf } from '../../devices/plugin/index.ts';

/** An entry that a lookup would still use. */
export interface LiveTlbEntry {
  /** Byte offset of the entry in host memory. */
  readonly address: number;
  /** Set of the IOTLB, from 0 to TLB_SETS - 1. */
  readonly set: number;
  readonly vmid: number;
  /** Undefined for an entry that is not tagged with one: global, or of stage 2 alone. */
  readonly asid: number | undefined;
}

/**
 * Visits the entries that are valid and not older than the generations that invalidations raise.
 * @param smmu byte offset of the SMMU block.
 */
export function eachLiveTlbEntry(hostMemory: WebAssembly.Memory, smmu: number, visit: (entry: LiveTlbEntry) => void): void {
  const words = new Uint32Array(hostMemory.buffer);
  const longs = new BigInt64Array(hostMemory.buffer);
  const generationAt = (address: number) => longs[address >> 3] ?? 0n;
  const allGen = generationAt(smmu + SMMU_AT_ALL_GEN);
  for (let index = 0; index < TLB_SETS * TLB_WAYS; index++) {
    const address = smmu + SMMU_AT_TLB + index * TLB_ENTRY_SIZE;
    const meta = words[(address + TLB_META) >> 2] ?? 0;
    if (!bitsOf(meta, TLB_META_VALID)) continue;
    const vmid = bitsOf(meta, TLB_META_VMID);
    const block = smmu + SMMU_AT_VMIDS + vmid * VMID_STRIDE;
    const generation = generationAt(address + TLB_GEN);
    if (generation < generationAt(block + VMID_ALL_GEN) || generationAt(address + TLB_ALL_GEN) < allGen) continue;
    const tagged = !bitsOf(meta, TLB_META_GLOBAL) && !bitsOf(meta, TLB_META_S2);
    const asid = (words[(address + TLB_ASID_PERM) >> 2] ?? 0) & 0xffff;
    // The slot that the core's `asidGen` hashes to.
    const slot = (asid ^ (asid >> 4) ^ (asid >> 8)) & (VMID_ASID_SLOTS - 1);
    if (tagged && generation < generationAt(block + VMID_ASID_GEN + 8 * slot)) continue;
    visit({ address, set: Math.floor(index / TLB_WAYS), vmid, asid: tagged ? asid : undefined });
  }
}
