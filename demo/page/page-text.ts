// SPDX-License-Identifier: MIT
// Numbers as the page writes them: the same width from picture to picture, so that nothing moves.

const KILO = 1000;

/** 1234567 as "1.23 M", in one piece. */
export function short(value: number): string {
  if (value < 10 * KILO) return Math.round(value).toString();
  for (const unit of ['k', 'M', 'G']) {
    value /= KILO;
    if (value < KILO) return `${value.toPrecision(3)}\u00a0${unit}`;
  }
  return `${Math.round(value)}\u00a0G`;
}

/** A time in the unit that suits it. */
export function time(ns: number): string {
  if (ns < KILO) return `${Math.round(ns)} ns`;
  if (ns < KILO * KILO) return `${(ns / KILO).toPrecision(3)} \u00b5s`;
  return `${(ns / KILO / KILO).toPrecision(3)} ms`;
}

export const hex = (value: number) => `0x${value.toString(16)}`;
