// SPDX-License-Identifier: MIT
// The first argument of a guest's doorbell import, for a directly mapped range of an
// SMMU: it identifies the queues of the range. The guest reads it from the direct map
// table (ABI_MAP_DOORBELL) and does not interpret it. Packed as in smmu-registers.ts. On
// a host with an AMD IOMMU it is the GuestID alone.

/** Command context: a VINTF, or a vIOMMU. */
export const DOORBELL_CONTEXT = (0 << 16) | (0 << 8) | 8;
/** Index of the SMMU among its host's. */
export const DOORBELL_SMMU = (0 << 16) | (8 << 8) | 8;
/** Slot (CTX_LVCMDQ_MAP) of the first queue of the range. */
export const DOORBELL_SLOT = (0 << 16) | (16 << 8) | 16;
