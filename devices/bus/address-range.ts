// SPDX-License-Identifier: MIT
// Ranges of physical addresses, and what is said of two that overlap.

/** A range of physical addresses. */
export interface AddressRange {
  readonly gpa: number;
  /** Bytes, more than 0. */
  readonly size: number;
}

/** A range with the name of what lies there. */
export interface NamedRange extends AddressRange {
  readonly name: string;
}

/** Whether two ranges have an address in common. */
export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.gpa < b.gpa + b.size && b.gpa < a.gpa + a.size;
}

/** A range as messages name it: `RAM (0x0 to 0xfffff)`. */
export function rangeText({ name, gpa, size }: NamedRange): string {
  return `${name} (0x${gpa.toString(16)} to 0x${(gpa + size - 1).toString(16)})`;
}

/** What a message says of two ranges that overlap. */
export function overlapText(a: NamedRange, b: NamedRange): string {
  return `${rangeText(a)} overlaps ${rangeText(b)}`;
}
