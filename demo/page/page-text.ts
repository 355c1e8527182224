// SPDX-License-Identifier: MIT
// Numbers as text for the page: of constant width, so that nothing moves between
// pictures.

const KILO = 1000;
const DIGITS = 3;

/**
 * A number in the first of these units in which it has at most three digits before the
 * point.
 */
function inUnits(value: number, units: readonly string[], digits = DIGITS): string {
  let scaled = value;
  let unit = 0;
  // Rounded first: 999.9 would be "1.00e+3".
  while (Number(scaled.toPrecision(digits)) >= KILO && unit < units.length - 1) {
    scaled /= KILO;
    unit++;
  }
  const rounded = scaled.toPrecision(digits);
  const text = Number(rounded) >= KILO ? String(Math.round(scaled)) : rounded;
  return `${text}\u00a0${units[unit] ?? ''}`;
}

/** 1234567 as "1.23 M", without a line break. */
export function short(value: number): string {
  if (Math.round(value) < 10 * KILO) return Math.round(value).toString();
  return inUnits(value / KILO, ['k', 'M', 'G']);
}

/** A time in the unit that suits it. */
export function time(ns: number): string {
  if (Math.round(ns) < KILO) return `${Math.round(ns)}\u00a0ns`;
  return inUnits(ns / KILO, ['\u00b5s', 'ms', 's']);
}

/** A time measured by a guest. 0 means that the clock has not ticked in the meantime. */
export function measuredTime(ns: number): string {
  return ns === 0 ? 'below the clock\u2019s resolution' : time(ns);
}

/** The spread of measurements; empty when there is none. */
export function spread(lowNs: number, highNs: number): string {
  return lowNs === highNs ? '' : `${measuredTime(lowNs)} to ${measuredTime(highNs)}`;
}

export const hex = (value: number) => `0x${value.toString(16)}`;
