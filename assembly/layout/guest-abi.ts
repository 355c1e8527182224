// SPDX-License-Identifier: MIT
// Guest ABI: the first MiB of a Wasm guest's memory. docs/guest-abi.md describes it. All
// words are little-endian, offsets in bytes.

/** Version of this ABI; a reactor exports it as the global `vsmmu_abi`. */
export const ABI_VERSION = 1;
/** Guests link above the ABI area. */
export const ABI_AREA_SIZE = 0x100000;
/** Bytes of a page of the direct-map area. */
export const ABI_PAGE_SIZE = 0x10000;
/** First of the 15 pages of 64 KiB that back directly mapped device pages. */
export const ABI_DIRECT_PAGES = 0x10000;
/** Pages that back directly mapped device pages. */
export const ABI_DIRECT_PAGE_COUNT = 15;

// Info page, written by the host.
/** Value of ABI_AT_MAGIC: "VMSU". */
export const ABI_MAGIC = 0x55534d56;
/** u32: ABI_MAGIC. */
export const ABI_AT_MAGIC = 0x000;
/** u32: ABI_VERSION of the host. */
export const ABI_AT_VERSION = 0x004;
/** GPA of memory offset 0: gpa = offset + base. RAM is the memory above the ABI area. */
export const ABI_AT_RAM_GPA_BASE = 0x008;
/** Bytes of guest memory, the ABI area included. */
export const ABI_AT_MEMORY_SIZE = 0x00c;
/** u32: vCPUs of the machine (informational). */
export const ABI_AT_VCPUS = 0x010;
/** u32: index of the machine on its host, from 0. */
export const ABI_AT_MACHINE = 0x014;

// Devices: a table in place of a device tree.
/** u32: entries of the device table, 0 to ABI_MAX_DEVICES. */
export const ABI_AT_DEVICE_COUNT = 0x020;
/** The device table: entries of ABI_DEVICE_SIZE bytes. */
export const ABI_AT_DEVICES = 0x100;
/** Most entries of the device table. */
export const ABI_MAX_DEVICES = 16;
/** Bytes of an entry of the device table. */
export const ABI_DEVICE_SIZE = 32;
/** Kind: four ASCII characters, first in the low byte. */
export const ABI_DEVICE_KIND = 0x00;
/** u32 in a device entry: gpa of its registers. */
export const ABI_DEVICE_GPA = 0x04;
/** u32 in a device entry: bytes of its registers. */
export const ABI_DEVICE_REGION_SIZE = 0x08;
/**
 * First interrupt line; the device's lines follow each other. ABI_NO_IRQ when it has
 * none.
 */
export const ABI_DEVICE_IRQ = 0x0c;
/** StreamID of a bus master (as the guest's SMMU numbers it), or ABI_NO_STREAM. */
export const ABI_DEVICE_STREAM = 0x10;
/**
 * u32 in a device entry: number of the SMMU that translates for a bus master, that a
 * CMDQV belongs to, or that this is, from 0 to ABI_MAX_SMMUS - 1.
 */
export const ABI_DEVICE_SMMU = 0x14;
/** Most SMMUs of a machine. */
export const ABI_MAX_SMMUS = 4;
/** ABI_DEVICE_IRQ of a device without an interrupt line. */
export const ABI_NO_IRQ = 0xffffffff;
/** ABI_DEVICE_STREAM of a device that is no bus master. */
export const ABI_NO_STREAM = 0xffffffff;
/** ABI_DEVICE_KIND of the SMMU. */
export const ABI_KIND_SMMUV3 = 0x33756d73; // "smu3"
/** ABI_DEVICE_KIND of the CMDQV. */
export const ABI_KIND_CMDQV = 0x76646d63; // "cmdv"
/** ABI_DEVICE_KIND of the UART. */
export const ABI_KIND_PL011 = 0x74726175; // "uart"
/** ABI_DEVICE_KIND of the DMA engine. */
export const ABI_KIND_DMA = 0x65616d64; // "dmae"
/** ABI_DEVICE_KIND of the checkpoint device. */
export const ABI_KIND_CHECKPOINT = 0x74706b63; // "ckpt"
/** ABI_DEVICE_KIND of an AMD IOMMU. */
export const ABI_KIND_AMD_IOMMU = 0x69646d61; // "amdi"

// Interrupts: 128 lines. Edge: the host sets a bit, the guest clears it. Level: only the
// host sets and clears the bit.
/**
 * One bit for each of the ABI_IRQ_LINES lines, 32 per word: an edge has arrived since the
 * guest cleared the bit.
 */
export const ABI_AT_IRQ_EDGE = 0x300;
/** One bit for each of the ABI_IRQ_LINES lines, 32 per word: the level of the line. */
export const ABI_AT_IRQ_LEVEL = 0x310;
/** Interrupt lines of a machine. */
export const ABI_IRQ_LINES = 128;

// Direct maps: accesses to these ranges use guest memory instead of causing an exit.
/** Raised by the host whenever the table changes. */
export const ABI_AT_MAP_EPOCH = 0x380;
/**
 * One word per vCPU: the epoch that it has seen, stored by the guest at its safe points.
 */
export const ABI_AT_MAP_ACK = 0x384;
/** Most vCPUs of a machine. */
export const ABI_MAX_VCPUS = 16;
/** u32: entries of the direct-map table, 0 to ABI_MAX_MAPS. */
export const ABI_AT_MAP_COUNT = 0x3fc;
/** The direct-map table: entries of ABI_MAP_SIZE bytes. */
export const ABI_AT_MAPS = 0x400;
/** Most entries of the direct-map table. */
export const ABI_MAX_MAPS = 16;
/** Bytes of an entry of the direct-map table. */
export const ABI_MAP_SIZE = 32;
/** u32 in a map entry: gpa of the first mapped byte. */
export const ABI_MAP_GPA = 0x00;
/** Bytes; 0 is a free slot. */
export const ABI_MAP_LENGTH = 0x04;
/** Guest-memory offset of the first byte. */
export const ABI_MAP_OFFSET = 0x08;
/** ABI_MAP_FLAG_*. */
export const ABI_MAP_FLAGS = 0x0c;
/** First argument of the doorbell import for stores to this range. */
export const ABI_MAP_DOORBELL = 0x10;
/** After a store call `doorbell(id, offset in the range)`. */
export const ABI_MAP_FLAG_DOORBELL = 1;

/** u64 nanoseconds, refreshed by the host at each exit and entry. */
export const ABI_AT_TIME = 0x600;
/** Exits of this machine so far (u32, wraps), refreshed by the host at each. */
export const ABI_AT_EXITS = 0x608;
/**
 * ABI_INVALIDATING_*, set by the guest's driver from the first doorbell of a batch to its
 * last completion, otherwise 0: the host counts the exits in between.
 */
export const ABI_AT_INVALIDATING = 0x60c;
/** In ABI_AT_INVALIDATING: a batch on the direct path, on VCMDQs or ECMDQs. */
export const ABI_INVALIDATING_DIRECT = 1;
/**
 * In ABI_AT_INVALIDATING: a batch on the CMDQ, trapped or overlaid, which the guest need
 * not distinguish.
 */
export const ABI_INVALIDATING_CMDQ = 2;
/**
 * 1 while the drain of this machine sleeps on its own thread. After a store to a direct
 * range, whoever sets it back to 0 has to wake the drain.
 */
export const ABI_AT_DRAIN_SLEEPING = 0x610;
/** The word that the drain sleeps on: raise it, then notify all. It has no other use. */
export const ABI_AT_DRAIN_WAKE = 0x614;
/**
 * 1 when the host would like an exit soon (to pause, or because a queue needs it): poll
 * loops then call `wait`. The host clears it.
 */
export const ABI_AT_EXIT_REQUEST = 0x618;
/** One word per vCPU: its exits (u32, wraps); ABI_AT_EXITS counts those of all. */
export const ABI_AT_VCPU_EXITS = 0x640;
/** One word per vCPU: ABI_AT_INVALIDATING of the vCPUs other than vCPU 0. */
export const ABI_AT_VCPU_INVALIDATING = 0x680;

// Operations of the tlbi import: a vCPU's broadcast TLBI of its own stage 1 (VMALLE1IS,
// ASIDE1IS, VAE1IS, VAAE1IS).
/** Invalidates everything of a VMID. */
export const ABI_TLBI_ALL = 0;
/** Invalidates an ASID. */
export const ABI_TLBI_ASID = 1;
/** Invalidates an address in one ASID. */
export const ABI_TLBI_VA = 2;
/** Invalidates an address in all ASIDs. */
export const ABI_TLBI_VAA = 3;

// Results of vsmmu_run.
/** Result of a slice: nothing to do until an interrupt or a timer. */
export const RUN_IDLE = 0;
/** Result of a slice: there is more to do. */
export const RUN_YIELD = 1;
/** Result of a slice: the guest has ended. */
export const RUN_OFF = 2;
