// SPDX-License-Identifier: MIT
// Configuration space of PCI Express functions (PCIe 5.0, section 7.5): offsets and bits
// shared by hosts and functions.

/** Bytes of a function's configuration space. */
export const PCIE_CONFIG_SIZE = 0x1000;
/** Offsets of the first capability and the first extended capability. */
export const PCIE_CAPABILITIES = 0x40;
export const PCIE_EXTENDED_CAPABILITIES = 0x100;

export const PCIE_ID = 0x00;
/** Command in bits [15:0], status in bits [31:16]. */
export const PCIE_COMMAND_STATUS = 0x04;
export const PCIE_CLASS_REVISION = 0x08;
/** Cache line size in bits [7:0], header type in bits [23:16]. */
export const PCIE_HEADER_TYPE = 0x0c;
export const PCIE_HEADER_BRIDGE = 0x0001_0000;
export const PCIE_HEADER_MULTIFUNCTION = 0x0080_0000;
export const PCIE_BAR0 = 0x10;
/** Of a BAR: it lies in I/O space. */
export const PCIE_BAR_IO = 1;
export const PCIE_SUBSYSTEM = 0x2c;
export const PCIE_CAPABILITY_POINTER = 0x34;
/** Interrupt line in bits [7:0], pin in bits [15:8]. */
export const PCIE_INTERRUPT = 0x3c;

/** Type 1 header: primary, secondary and subordinate bus number, one byte each. */
export const PCIE_BUS_NUMBERS = 0x18;
/** Type 1 header: I/O base and limit. */
export const PCIE_IO_WINDOW = 0x1c;
/** Type 1 header: base in bits [15:4], limit in bits [31:20], in units of 1 MiB. */
export const PCIE_MEMORY_WINDOW = 0x20;
/** Type 1 header: the same for prefetchable memory. */
export const PCIE_PREFETCH_WINDOW = 0x24;
/** Type 1 header: interrupt line and pin, bridge control in bits [31:16]. */
export const PCIE_BRIDGE_CONTROL = 0x3c;
export const PCIE_BRIDGE_SECONDARY_RESET = 0x00400000;

export const PCIE_COMMAND_IO = 0x001;
export const PCIE_COMMAND_MEMORY = 0x002;
export const PCIE_COMMAND_MASTER = 0x004;
export const PCIE_COMMAND_INTX_DISABLE = 0x400;
/**
 * Bits that are writable in every function; those for parity and SERR# have no effect.
 * The I/O bit is writable in functions with an I/O BAR.
 */
export const PCIE_COMMAND_WRITABLE = 0x546;
/** A function can be accessed immediately after a reset. */
export const PCIE_STATUS_IMMEDIATE_READINESS = 0x0001_0000;
export const PCIE_STATUS_INTERRUPT = 0x0008_0000;
export const PCIE_STATUS_CAPABILITIES = 0x0010_0000;

/** Capabilities. */
export const PCI_CAP_VENDOR = 0x09;
export const PCI_CAP_EXPRESS = 0x10;
export const PCI_CAP_MSIX = 0x11;
/** Extended capabilities. */
export const PCIE_CAP_ACS = 0x0d;
export const PCIE_CAP_ATS = 0x0f;
export const PCIE_CAP_PRI = 0x13;
export const PCIE_CAP_PASID = 0x1b;

/** Offsets of registers in the PCI Express capability. */
export const EXPRESS_DEVICE_CAPABILITIES = 0x04;
/** Device control in bits [15:0], device status in bits [31:16]. */
export const EXPRESS_DEVICE_CONTROL = 0x08;
export const EXPRESS_LINK_CAPABILITIES = 0x0c;
export const EXPRESS_LINK_CONTROL = 0x10;
export const EXPRESS_DEVICE_CAPABILITIES_2 = 0x24;
export const EXPRESS_SIZE = 0x3c;

/** Device and port types (section 7.5.3.2). */
export const EXPRESS_TYPE_ENDPOINT = 0;
export const EXPRESS_TYPE_ROOT_PORT = 4;
export const EXPRESS_TYPE_INTEGRATED_ENDPOINT = 9;

/** Device control: Initiate Function Level Reset, which reads 0. */
export const EXPRESS_INITIATE_FLR = 0x8000;

/** Message control of MSI-X: bits [31:16] of the capability's first word. */
export const MSIX_ENABLE = 0x8000_0000;
export const MSIX_FUNCTION_MASK = 0x4000_0000;
