// SPDX-License-Identifier: MIT
// Event records (IHI 0070 section 7.3): 32 bytes, 32-bit words 0 to 7. Packed as in
// smmu-registers.ts.

export const EVT_ID = (0 << 16) | (0 << 8) | 8;
export const EVT_SSV = (0 << 16) | (11 << 8) | 1;
export const EVT_SSID = (0 << 16) | (12 << 8) | 20;
export const EVT_SID = (1 << 16) | (0 << 8) | 32;
export const EVT_STAG = (2 << 16) | (0 << 8) | 16;
export const EVT_STALL = (2 << 16) | (31 << 8) | 1;
/** Privileged (1) or unprivileged (0). */
export const EVT_PNU = (3 << 16) | (1 << 8) | 1;
/** Instruction (1) or data (0). */
export const EVT_IND = (3 << 16) | (2 << 8) | 1;
/** Read (1) or write (0). */
export const EVT_RNW = (3 << 16) | (3 << 8) | 1;
/** The fault is of stage 2. */
export const EVT_S2 = (3 << 16) | (7 << 8) | 1;
/** What was being translated: 0 a CD, 1 a translation table, 2 the input address. */
export const EVT_CLASS = (3 << 16) | (8 << 8) | 2;
export const EVT_CLASS_CD = 0;
export const EVT_CLASS_TT = 1;
export const EVT_CLASS_IN = 2;
export const EVT_TTRNW = (3 << 16) | (12 << 8) | 1;
// Word 3 of E_PAGE_REQUEST: the access that a device expects, unprivileged and
// privileged, and the number of 4 KiB pages.
export const EVT_UX = (3 << 16) | (1 << 8) | 1;
export const EVT_UW = (3 << 16) | (2 << 8) | 1;
export const EVT_UR = (3 << 16) | (3 << 8) | 1;
export const EVT_PX = (3 << 16) | (5 << 8) | 1;
export const EVT_PW = (3 << 16) | (6 << 8) | 1;
export const EVT_PR = (3 << 16) | (7 << 8) | 1;
export const EVT_SPAN = (3 << 16) | (12 << 8) | 8;
export const EVT_INPUT_LO = (4 << 16) | (0 << 8) | 32;
export const EVT_INPUT_HI = (5 << 16) | (0 << 8) | 32;
/** IPA[31:12] or FetchAddr[31:3], in place. */
export const EVT_ADDR_LO = (6 << 16) | (0 << 8) | 32;
export const EVT_ADDR_HI = (7 << 16) | (0 << 8) | 20;

export const F_UUT = 0x01;
export const C_BAD_STREAMID = 0x02;
export const F_STE_FETCH = 0x03;
export const C_BAD_STE = 0x04;
export const F_BAD_ATS_TREQ = 0x05;
export const F_STREAM_DISABLED = 0x06;
export const F_TRANSL_FORBIDDEN = 0x07;
export const C_BAD_SUBSTREAMID = 0x08;
export const F_CD_FETCH = 0x09;
export const C_BAD_CD = 0x0a;
export const F_WALK_EABT = 0x0b;
export const F_TRANSLATION = 0x10;
export const F_ADDR_SIZE = 0x11;
export const F_ACCESS = 0x12;
export const F_PERMISSION = 0x13;
export const F_TLB_CONFLICT = 0x20;
export const F_CFG_CONFLICT = 0x21;
export const E_PAGE_REQUEST = 0x24;
export const F_VMS_FETCH = 0x25;

// The fields of a record apart from its number and StreamID
// (devices/tables/event-table.ts has the table).

/** SSV, and SubstreamID when there is one. */
export const EVENT_SSV = 0x001;
/** SubstreamID alone, always valid. */
export const EVENT_SSID = 0x002;
export const EVENT_RNW = 0x004;
/** PnU and InD. */
export const EVENT_PNU_IND = 0x008;
/** InputAddr. */
export const EVENT_INPUT = 0x010;
export const EVENT_S2 = 0x020;
export const EVENT_CLASS = 0x040;
/** TTRnW, valid for class TT. */
export const EVENT_TTRNW = 0x080;
/** IPA, valid with S2. */
export const EVENT_IPA = 0x100;
/** FetchAddr. */
export const EVENT_FETCH = 0x200;
/** Stall and STAG. Recorded only when CD.R (stage 1) or STE.S2R (stage 2) enables it. */
export const EVENT_STALL = 0x400;
/** InputAddr[11:0] makes no difference when records are merged. */
export const EVENT_PAGE = 0x800;
/** Span, and the access that is expected, by privilege. */
export const EVENT_SPAN = 0x1000;
