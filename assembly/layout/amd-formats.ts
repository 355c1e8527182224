// SPDX-License-Identifier: MIT
// AMD IOMMU: registers, device table entries, commands and events (AMD I/O Virtualization
// Technology (IOMMU) Specification, publication 48882). The registers of its vIOMMU
// extension (VFCTRL) follow the use that Linux's driver makes of them
// (drivers/iommu/amd). Fields are packed as in smmu-registers.ts: (32-bit word << 16) |
// (lowest bit << 8) | width; word 1 of a 64-bit register is its upper half.

// MMIO registers. All are configuration except the pointers of the command buffer and
// event log.
export const AMD_REGION_SIZE = 0x4000;
export const AMD_DEVICE_TABLE_BASE = 0x0000;
export const AMD_COMMAND_BASE = 0x0008;
export const AMD_EVENT_BASE = 0x0010;
export const AMD_CONTROL = 0x0018;
export const AMD_EFR = 0x0030;
export const AMD_PPR_BASE = 0x0038;
/**
 * The third 4 KiB page: the registers that hardware vIOMMU gives to a VM (its VF page).
 */
export const AMD_VF_PAGE = 0x2000;
export const AMD_VF_PAGE_SIZE = 0x1000;
export const AMD_COMMAND_HEAD = 0x2000;
export const AMD_COMMAND_TAIL = 0x2008;
export const AMD_EVENT_HEAD = 0x2010;
export const AMD_EVENT_TAIL = 0x2018;
export const AMD_STATUS = 0x2020;
export const AMD_PPR_HEAD = 0x2030;
export const AMD_PPR_TAIL = 0x2038;
/** Bytes of the first four pointers, which may be mapped into a guest. */
export const AMD_POINTERS_SIZE = 0x20;

/** 4 KiB pages of the device table, less one. */
export const AMD_DEVICE_TABLE_SIZE = (0 << 16) | (0 << 8) | 9;
/** log2 of the entries of a command buffer, event log or PPR log: 8 to 15. */
export const AMD_BASE_LENGTH = (1 << 16) | (24 << 8) | 4;
export const AMD_MIN_LENGTH = 8;
export const AMD_MAX_LENGTH = 15;
/** Bytes of a command, an event record and a page request. */
export const AMD_ENTRY_SIZE = 16;

export const AMD_CONTROL_IOMMU_EN = (0 << 16) | (0 << 8) | 1;
export const AMD_CONTROL_EVENT_LOG_EN = (0 << 16) | (2 << 8) | 1;
export const AMD_CONTROL_EVENT_INT_EN = (0 << 16) | (3 << 8) | 1;
export const AMD_CONTROL_COM_WAIT_INT_EN = (0 << 16) | (4 << 8) | 1;
export const AMD_CONTROL_CMD_BUF_EN = (0 << 16) | (12 << 8) | 1;
export const AMD_CONTROL_PPR_LOG_EN = (0 << 16) | (13 << 8) | 1;
export const AMD_CONTROL_PPR_INT_EN = (0 << 16) | (14 << 8) | 1;
/** Page requests are processed. */
export const AMD_CONTROL_PPR_EN = (0 << 16) | (15 << 8) | 1;

export const AMD_STATUS_EVENT_OVERFLOW = (0 << 16) | (0 << 8) | 1;
export const AMD_STATUS_EVENT_LOG_INT = (0 << 16) | (1 << 8) | 1;
export const AMD_STATUS_COM_WAIT_INT = (0 << 16) | (2 << 8) | 1;
export const AMD_STATUS_EVENT_LOG_RUN = (0 << 16) | (3 << 8) | 1;
export const AMD_STATUS_CMD_BUF_RUN = (0 << 16) | (4 << 8) | 1;
export const AMD_STATUS_PPR_OVERFLOW = (0 << 16) | (5 << 8) | 1;
export const AMD_STATUS_PPR_INT = (0 << 16) | (6 << 8) | 1;
export const AMD_STATUS_PPR_RUN = (0 << 16) | (7 << 8) | 1;

/** Page requests, without automatic responses and early warnings (bits 41 and 40). */
export const AMD_EFR_PPR = (0 << 16) | (1 << 8) | 1;
/**
 * Guest translation, also for requests without PASID; GLXSup = 0: one level of GCR3
 * table.
 */
export const AMD_EFR_GT = (0 << 16) | (4 << 8) | 1;
export const AMD_EFR_INVALIDATE_ALL = (0 << 16) | (6 << 8) | 1;
export const AMD_EFR_GIO = (1 << 16) | (16 << 8) | 1;

// VFCTRL: 64 bytes for each GuestID.
export const AMD_VFCTRL_STRIDE = 0x40;
/** GuestIDs of this model; 0 is the host itself. */
export const AMD_GUESTS = 16;
/** A write sets or clears the host's ID for one of the guest's DeviceIDs or DomainIDs. */
export const AMD_VFCTRL_DEVICE_MAP = 0x00;
export const AMD_VFCTRL_DOMAIN_MAP = 0x08;
/**
 * The device whose entry translates the store addresses of the guest's COMPLETION_WAIT.
 */
export const AMD_VFCTRL_MISC = 0x10;
export const AMD_VFCTRL_COMMAND = 0x20;
export const AMD_VFCTRL_EVENT = 0x28;
export const AMD_VFCTRL_PPR = 0x30;
/**
 * Specific to this model: PA of the guest's ID tables. Hardware finds them in the IOMMU's
 * private address space.
 */
export const AMD_VFCTRL_TABLES = 0x38;
export const AMD_MAP_VALID = (0 << 16) | (0 << 8) | 1;
export const AMD_MAP_HOST_ID = (0 << 16) | (14 << 8) | 16;
export const AMD_MAP_GUEST_ID = (1 << 16) | (14 << 8) | 16;
export const AMD_MAP_WRITE = (1 << 16) | (31 << 8) | 1;
export const AMD_MISC_DEVICE = (0 << 16) | (16 << 8) | 16;
/**
 * VFCTRL_COMMAND, VFCTRL_EVENT and VFCTRL_PPR: length like AMD_BASE_LENGTH, buffer
 * enable, interrupt enable; the base in bits 51 to 12.
 */
export const AMD_VFCTRL_LENGTH = (0 << 16) | (0 << 8) | 4;
export const AMD_VFCTRL_ENABLE = (0 << 16) | (8 << 8) | 1;
export const AMD_VFCTRL_INT_ENABLE = (0 << 16) | (9 << 8) | 1;

/**
 * ID tables of a guest: one entry per DeviceID, then one per DomainID. An entry is a word
 * as written to VFCTRL, 0 for none.
 */
export const AMD_DEVICE_MAP_ENTRY = 16;
export const AMD_DOMAIN_MAP = 0x100000;
export const AMD_DOMAIN_MAP_ENTRY = 8;
export const AMD_ID_TABLES_SIZE = 0x180000;

// Device table entry, 32 bytes.
export const AMD_DTE_SIZE = 32;
export const AMD_DTE_V = (0 << 16) | (0 << 8) | 1;
export const AMD_DTE_TV = (0 << 16) | (1 << 8) | 1;
/** Levels of the host's table, 1 to 6. 0: there is no table, addresses are physical. */
export const AMD_DTE_MODE = (0 << 16) | (9 << 8) | 3;
/** Root of the host's table: bits 51 to 12. */
export const AMD_DTE_ROOT_LO = (0 << 16) | (12 << 8) | 20;
export const AMD_DTE_ROOT_HI = (1 << 16) | (0 << 8) | 20;
/** The device may request pages. */
export const AMD_DTE_PPR = (1 << 16) | (20 << 8) | 1;
/** Requests without PASID use the guest's table 0; guest translation. */
export const AMD_DTE_GIOV = (1 << 16) | (22 << 8) | 1;
export const AMD_DTE_GV = (1 << 16) | (23 << 8) | 1;
/** Levels of the GCR3 table, less one. */
export const AMD_DTE_GLX = (1 << 16) | (24 << 8) | 2;
/** gpa of the GCR3 table: bits 14 to 12, 30 to 15, 51 to 31. */
export const AMD_DTE_GCR3_A = (1 << 16) | (26 << 8) | 3;
export const AMD_DTE_GCR3_B = (2 << 16) | (16 << 8) | 16;
export const AMD_DTE_GCR3_C = (3 << 16) | (11 << 8) | 21;
export const AMD_DTE_IR = (1 << 16) | (29 << 8) | 1;
export const AMD_DTE_IW = (1 << 16) | (30 << 8) | 1;
export const AMD_DTE_DOMAIN = (2 << 16) | (0 << 8) | 16;
/** 0: four levels of guest tables. */
export const AMD_DTE_GUEST_PAGING = (5 << 16) | (22 << 8) | 2;
/** The device is assigned to a guest: GuestID, and the DeviceID that the guest uses. */
export const AMD_DTE_VIOMMU = (6 << 16) | (15 << 8) | 1;
export const AMD_DTE_GUEST_DEVICE = (6 << 16) | (16 << 8) | 16;
export const AMD_DTE_GUEST_ID = (7 << 16) | (0 << 8) | 16;

/** Entries of a GCR3 table of one level: PASIDs. */
export const AMD_PASIDS = 512;

// Commands: 16 bytes.
export const AMD_CMD_OP = (1 << 16) | (28 << 8) | 4;
export const AMD_OP_COMPLETION_WAIT = 1;
export const AMD_OP_INVALIDATE_DEVTAB_ENTRY = 2;
export const AMD_OP_INVALIDATE_IOMMU_PAGES = 3;
export const AMD_OP_INVALIDATE_IOTLB_PAGES = 4;
export const AMD_OP_INVALIDATE_INTERRUPT_TABLE = 5;
export const AMD_OP_COMPLETE_PPR = 7;
export const AMD_OP_INVALIDATE_IOMMU_ALL = 8;
/**
 * COMPLETION_WAIT: store the second doubleword at the address in bits 51 to 3; interrupt.
 */
export const AMD_WAIT_STORE = (0 << 16) | (0 << 8) | 1;
export const AMD_WAIT_INTERRUPT = (0 << 16) | (1 << 8) | 1;
/** DeviceID of the commands that name one. */
export const AMD_CMD_DEVICE = (0 << 16) | (0 << 8) | 16;
// INVALIDATE_IOMMU_PAGES
export const AMD_INV_PASID = (0 << 16) | (0 << 8) | 20;
export const AMD_INV_DOMAIN = (1 << 16) | (0 << 8) | 16;
/**
 * The address encodes a size as well; the guest's translations rather than the host's.
 */
export const AMD_INV_SIZE = (2 << 16) | (0 << 8) | 1;
export const AMD_INV_GN = (2 << 16) | (2 << 8) | 1;

// COMPLETE_PPR_REQUEST: the answer to the page requests of a group of a device.
export const AMD_COMPLETE_PASID = (1 << 16) | (0 << 8) | 20;
/** The requests had a PASID. */
export const AMD_COMPLETE_GN = (2 << 16) | (2 << 8) | 1;
export const AMD_COMPLETE_GROUP = (3 << 16) | (0 << 8) | 9;
export const AMD_COMPLETE_RESPONSE = (3 << 16) | (12 << 8) | 4;
/**
 * The codes of PCIe's PRG Response: Success, Invalid Request; all others are Response
 * Failure.
 */
export const AMD_RESPONSE_SUCCESS = 0;
export const AMD_RESPONSE_INVALID = 1;
export const AMD_RESPONSE_FAILURE = 15;

// Page requests (PAGE_SERVICE_REQUEST of the PPR log): 16 bytes, the address of the page
// in bits 63 to 12 of the second half. INVALID_PPR_REQUEST of the event log has the same
// fields.
export const AMD_PPR_CODE = (1 << 16) | (28 << 8) | 4;
export const AMD_PPR_PAGE_SERVICE = 1;
export const AMD_PPR_DEVICE = (0 << 16) | (0 << 8) | 16;
/** PASID when GN is 1: its low 16 bits, and the others. */
export const AMD_PPR_PASID_LO = (0 << 16) | (16 << 8) | 16;
export const AMD_PPR_PASID_HI = (1 << 16) | (10 << 8) | 4;
/** PRG index, and whether the request is the last of its group. */
export const AMD_PPR_GROUP = (1 << 16) | (0 << 8) | 9;
export const AMD_PPR_LAST = (1 << 16) | (9 << 8) | 1;
/** Permissions requested: execute, read, write; for a user (1) or a supervisor. */
export const AMD_PPR_EXECUTE = (1 << 16) | (17 << 8) | 1;
export const AMD_PPR_READ = (1 << 16) | (18 << 8) | 1;
export const AMD_PPR_WRITE = (1 << 16) | (21 << 8) | 1;
export const AMD_PPR_USER = (1 << 16) | (22 << 8) | 1;
export const AMD_PPR_GN = (1 << 16) | (24 << 8) | 1;

// Event records: 16 bytes, the address in the second half.
export const AMD_EVENT_CODE = (1 << 16) | (28 << 8) | 4;
export const AMD_EVENT_ILLEGAL_DEV_TABLE_ENTRY = 1;
export const AMD_EVENT_IO_PAGE_FAULT = 2;
export const AMD_EVENT_PAGE_TAB_HARDWARE_ERROR = 4;
export const AMD_EVENT_ILLEGAL_COMMAND_ERROR = 5;
export const AMD_EVENT_COMMAND_HARDWARE_ERROR = 6;
export const AMD_EVENT_INVALID_PPR_REQUEST = 9;
export const AMD_EVENT_DEVICE = (0 << 16) | (0 << 8) | 16;
/** PASID when GN is 1, else DomainID. */
export const AMD_EVENT_PASID = (1 << 16) | (0 << 8) | 16;
export const AMD_EVENT_GN = (1 << 16) | (16 << 8) | 1;
/** The page is present, and does not permit the access. */
export const AMD_EVENT_PR = (1 << 16) | (20 << 8) | 1;
export const AMD_EVENT_RW = (1 << 16) | (21 << 8) | 1;
export const AMD_EVENT_PE = (1 << 16) | (22 << 8) | 1;
