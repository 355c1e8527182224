// SPDX-License-Identifier: MIT
// Host memory of an AMD IOMMU. It is an SMMU block (smmu-memory.ts), of which it uses the
// IOTLB, the VMID table (by host DomainID), the queue blocks and the command contexts (by
// GuestID; 0 is the host), and the words below.

/** u64, the device table base register. */
export const AMD_AT_DEVICE_TABLE = 0x100;
/** IommuEn. */
export const AMD_AT_ENABLED = 0x108;

// In the command context of a GuestID, in addition to CTX_WINDOW, CTX_PAGE0 (guest-memory
// offset of the pointers while they are mapped into the guest) and CTX_DOORBELL_CALLS.
/** Enables of the command buffer and event log, as in the control register. */
export const AMD_CTX_CONTROL = 0x40;
/** Status register without CmdBufRun. */
export const AMD_CTX_STATUS = 0x44;
/**
 * u64 PA of the event log, 0 for none; log2 of its entries; private tail; owner of its
 * producer side, thread + 1; records lost.
 */
export const AMD_CTX_EVENT_BASE = 0x48;
export const AMD_CTX_EVENT_LENGTH = 0x50;
export const AMD_CTX_EVENT_TAIL = 0x54;
export const AMD_CTX_EVENT_OWNER = 0x58;
export const AMD_CTX_EVENTS_LOST = 0x5c;
/** u64 PA of the ID tables, 0 for the host. */
export const AMD_CTX_TABLES = 0x60;
/** DeviceID whose entry translates the store address of COMPLETION_WAIT. */
export const AMD_CTX_TRANSLATE_DEVICE = 0x68;
/** Address of the command buffer in its window, for event records. */
export const AMD_CTX_COMMAND_BASE = 0x6c;
/** Pointers (AMD_POINTERS_SIZE) while they are not mapped into a guest. */
export const AMD_CTX_POINTERS = 0x80;
/**
 * u64 PA of the PPR log, 0 for none; log2 of its entries; its pointers, as indices of
 * entries; the number of requests that were not logged. AMD_CTX_EVENT_OWNER owns its
 * producer side as well.
 */
export const AMD_CTX_PPR_BASE = 0xa0;
export const AMD_CTX_PPR_LENGTH = 0xa8;
export const AMD_CTX_PPR_HEAD = 0xac;
export const AMD_CTX_PPR_TAIL = 0xb0;
export const AMD_CTX_PPRS_LOST = 0xb4;
