// SPDX-License-Identifier: MIT
// The part of an SMMU block for endpoints with an address translation cache (PCIe ATS and
// PRI): their ports, their ATCs, the pending answers of command queues, and the PRI
// queue. Offsets named SMMU_AT_* are inside an SMMU block (smmu-memory.ts), ATC_* and
// ATC_WAIT_* inside one block or entry.

/** Number of ATC ports that have ever been used: ATC_INV visits so many. */
export const SMMU_AT_ATC_PORTS = 0x64;
/**
 * u64 PA of the PRI queue, then log2 of its entries, PROD (with OVFLG), CONS (with
 * OVACKFLG), its owner, and its errors, as for the event queue.
 */
export const SMMU_AT_PRIQ_BASE = 0x88;
export const SMMU_AT_PRIQ_LOG2SIZE = 0x90;
export const SMMU_AT_PRIQ_PROD = 0x94;
export const SMMU_AT_PRIQ_CONS = 0x98;
export const SMMU_AT_PRIQ_OWNER = 0x9c;
export const SMMU_AT_PRIQ_ABORT = 0xa0;
/**
 * u32: milliseconds that a CMD_SYNC waits for the answers to ATC_INV commands (IHI 0070
 * section 3.9.1.4).
 */
export const SMMU_AT_ATC_TIMEOUT = 0x84;

// ATC ports: one per endpoint that caches translations.
export const SMMU_AT_ATC = 0x23000;
export const ATC_PORTS = 64;
export const ATC_PORT_STRIDE = 0x40;
/** Physical StreamID + 1, 0 when the port is free. */
export const ATC_PORT_SID = 0x00;
/** i32: invalidation requests delivered, and the number of them that are answered. */
export const ATC_PORT_REQUESTS = 0x04;
export const ATC_PORT_COMPLETIONS = 0x08;
/** ATC_*: the behaviour of the endpoint. */
export const ATC_PORT_MODE = 0x0c;
/** ATS is off at the endpoint. */
export const ATC_OFF = 0;
export const ATC_ON = 1;
/**
 * The endpoint does not answer invalidation requests: each CMD_SYNC that depends on one
 * waits.
 */
export const ATC_SILENT = 2;
/**
 * The endpoint let a request time out: all its traffic is refused until its driver sets
 * up ATS again.
 */
export const ATC_ISOLATED = 3;
/** Entry that the next insert replaces. */
export const ATC_PORT_VICTIM = 0x10;
/**
 * The endpoint's page request group: its PRGIndex in the low 16 bits, PRG_* above. Only
 * its endpoint changes it, except for the change from PRG_WAITING to an answer, which is
 * a compare-and-swap.
 */
export const ATC_PORT_GROUP = 0x14;
/**
 * i32: PASID of that request, ACCESS_NO_SSID for none. Only its endpoint writes it,
 * before the group.
 */
export const ATC_PORT_GROUP_PASID = 0x18;
/** u32, 1 after a response that belongs to no waiting request; the endpoint clears it. */
export const ATC_PORT_UNEXPECTED = 0x1c;
export const PRG_STATE_SHIFT = 16;
export const PRG_NONE = 0;
export const PRG_WAITING = 1;
export const PRG_SUCCESS = 2;
export const PRG_INVALID = 3;
export const PRG_FAILURE = 4;

// The ATC of each port. Only its endpoint adds entries; any thread that executes an
// ATC_INV clears ATC_META.
export const SMMU_AT_ATC_ENTRIES = 0xe8000;
export const ATC_ENTRIES = 32;
export const ATC_ENTRY_SIZE = 0x20;
/**
 * One word that makes an entry live: 0, or valid with log2 of the size in bytes and ATS_*
 * permissions.
 */
export const ATC_META = 0x00;
export const ATC_META_SIZE = (0 << 16) | (0 << 8) | 7;
export const ATC_META_GRANTED = (0 << 16) | (8 << 8) | 3;
export const ATC_META_VALID = (0 << 16) | (31 << 8) | 1;
/** PASID and privilege of the translation request; 0 without a PASID. */
export const ATC_TAG = 0x04;
export const ATC_TAG_PASID = (0 << 16) | (0 << 8) | 20;
/**
 * Privileged: its permissions apply only to privileged accesses (IHI 0070 section 13.7).
 */
export const ATC_TAG_PRIVILEGED = (0 << 16) | (20 << 8) | 1;
export const ATC_TAG_HAS_PASID = (0 << 16) | (21 << 8) | 1;
/** u64 untranslated address >> log2 size. */
export const ATC_PAGE = 0x08;
/** u64 translated address of the block. */
export const ATC_PA = 0x10;

// One entry for each queue block: the ports whose answers its next CMD_SYNC waits for.
// Private to the owner of the queue.
export const SMMU_AT_ATC_WAITS = 0xe4000;
/** log2 of the size of an entry. */
export const ATC_WAIT_SHIFT = 4;
/** u64, one bit for each port. */
export const ATC_WAIT_PORTS = 0x00;
/**
 * f64: deadline of the parked CMD_SYNC, in ms of the host's clock; meaningless while the
 * queue is not parked.
 */
export const ATC_WAIT_DEADLINE = 0x08;
