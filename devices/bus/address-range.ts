// SPDX-License-Identifier: MIT
// Ranges of physical addresses, and the message about two that overlap.

/** A range of physical addresses. */
export interface AddressRange {
  readonly gpa: number;
  /** In bytes, more than 0. */
  readonly size: number;
}

/** A range with the name of its content. */
export interface NamedRange extends AddressRange {
  readonly name: string;
}

/** True when two ranges have an address in common. */
export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.gpa < b.gpa + b.size && b.gpa < a.gpa + a.size;
}

/** A range in the form that messages use: `RAM (0x0 to 0xfffff)`. */
export function rangeText({ name, gpa, size }: NamedRange): string {
  return `${name} (0x${gpa.toString(16)} to 0x${(gpa + size - 1).toString(16)})`;
}

/** The message about two ranges that overlap. */
export function overlapText(a: NamedRange, b: NamedRange): string {
  return `${rangeText(a)} overlaps ${rangeText(b)}`;
}
