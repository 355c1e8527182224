// SPDX-License-Identifier: MIT
// Register map of a GICv2m frame (Arm's Server Base System Architecture, appendix E).

export const V2M_SIZE = 0x1000;
export const V2M_MSI_TYPER = 0x008;
/** Write-only: the INTID of an SPI. */
export const V2M_MSI_SETSPI_NS = 0x040;
export const V2M_MSI_IIDR = 0xfcc;

/** In MSI_TYPER: INTID of the first SPI from this bit on, their number from bit 0 on. */
export const V2M_MSI_TYPER_BASE_SHIFT = 16;
/** Product 0, revision 0, of Arm. */
export const V2M_MSI_IIDR_VALUE = 0x0000043b;
