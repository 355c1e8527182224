// SPDX-License-Identifier: MIT
// Commands of a GICv3 ITS (IHI 0069 section 5.3) and the entries of its tables in RAM,
// whose format is IMPLEMENTATION DEFINED.

/** Bytes of a command: four doublewords, its number in the lowest byte of the first. */
export const ITS_COMMAND_SIZE = 32;

export const ITS_MOVI = 0x01;
export const ITS_INT = 0x03;
export const ITS_CLEAR = 0x04;
export const ITS_SYNC = 0x05;
export const ITS_MAPD = 0x08;
export const ITS_MAPC = 0x09;
export const ITS_MAPTI = 0x0a;
export const ITS_MAPI = 0x0b;
export const ITS_INV = 0x0c;
export const ITS_INVALL = 0x0d;
export const ITS_MOVALL = 0x0e;
export const ITS_DISCARD = 0x0f;

/** Bits of DeviceIDs, EventIDs and collections. */
export const ITS_ID_BITS = 16;

// Entries: 64 bits each. Bit 63 is the valid bit of all of them, and of an entry of a
// level 1 table.
/**
 * Device table entry: bits [51:8] of the address of the device's events, and in the bits
 * below the number of EventID bits less 1.
 */
export const ITS_DEVICE_EVENT_BITS = 0x1f;
/** Event entry: the INTID in bits [31:0], the collection from this bit on. */
export const ITS_EVENT_COLLECTION_SHIFT = 32;

// The reason why a command is ignored: class, number of the command, and the error (IHI
// 0069, tables of command errors).
/** Not a command, or its address is not RAM. */
export const ITS_ERROR_COMMAND = 0x010000;
export const ITS_ERROR_MOVI_UNMAPPED_INTERRUPT = 0x010107;
export const ITS_ERROR_MOVI_UNMAPPED_COLLECTION = 0x010109;
export const ITS_ERROR_INT_UNMAPPED_INTERRUPT = 0x010307;
export const ITS_ERROR_CLEAR_UNMAPPED_INTERRUPT = 0x010507;
export const ITS_ERROR_MAPD_DEVICE_OOR = 0x010801;
export const ITS_ERROR_MAPD_ITTSIZE_OOR = 0x010802;
export const ITS_ERROR_MAPC_PROCNUM_OOR = 0x010902;
export const ITS_ERROR_MAPC_COLLECTION_OOR = 0x010903;
export const ITS_ERROR_MAPTI_UNMAPPED_DEVICE = 0x010a04;
export const ITS_ERROR_MAPTI_ID_OOR = 0x010a05;
export const ITS_ERROR_MAPTI_PHYSICALID_OOR = 0x010a06;
export const ITS_ERROR_INV_UNMAPPED_INTERRUPT = 0x010c07;
export const ITS_ERROR_INVALL_UNMAPPED_COLLECTION = 0x010d09;
export const ITS_ERROR_MOVALL_PROCNUM_OOR = 0x010e01;
export const ITS_ERROR_DISCARD_UNMAPPED_INTERRUPT = 0x010f07;
