// SPDX-License-Identifier: MIT
// Helpers for the tests of register maps: a map is a layout table of offsets and packed
// fields.

import { expect } from 'vitest';
import { type Field, fieldOf, setField } from '../../devices/plugin/index.ts';
import { type FieldValue, overlaps, packed } from './images.ts';

export type Layout = Readonly<Record<string, number>>;

export function expectRegisterFields(
  layout: Layout,
  registers: Record<string, Record<string, readonly [number, number]>>,
): void {
  for (const fields of Object.values(registers)) {
    for (const [name, [high, low]] of Object.entries(fields))
      expect([name, layout[name]]).toEqual([name, packed([0, high, low])]);
    expect(
      overlaps(Object.fromEntries(Object.keys(fields).map((name) => [name, layout[name] ?? 0]))),
    ).toEqual([]);
  }
}

export function unnamed(
  layout: Layout,
  offsets: Layout,
  registers: Record<string, Record<string, unknown>>,
): string[] {
  const named = new Set([
    ...Object.keys(offsets),
    ...Object.values(registers).flatMap(Object.keys),
  ]);
  return Object.keys(layout).filter((name) => !named.has(name));
}

export const pick = (layout: Layout, names: Layout) =>
  Object.fromEntries(Object.keys(names).map((name) => [name, layout[name]]));

/**
 * The fields of one register, set one by one, give its value, and can be read back from
 * it.
 */
export function expectValue(value: number, fields: readonly FieldValue[]): void {
  const built = [0];
  for (const [field, content] of fields) setField(built, field, content);
  expect(built[0]?.toString(16)).toBe(value.toString(16));
  expect(fields.map(([field]: readonly [Field, number]) => fieldOf([value], field))).toEqual(
    fields.map(([, content]) => content),
  );
}
