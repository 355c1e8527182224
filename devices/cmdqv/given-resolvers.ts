// SPDX-License-Identifier: MIT
// A VMM's functions that find memory and units for a CMDQV, with checks of their results.

import { refuseAnswer } from '../plugin/answers.ts';
import { Unit } from '../unit/index.ts';
import type { ResolvePa, UnitOf } from './physical-vcmdq.ts';

const isUint32 = (value: unknown) => Number.isInteger(value) && Number(value) >>> 0 === value;

/** Wraps a `unitOf`: throws an AnswerError unless it returns a unit or undefined. */
export function checkedUnitOf(unitOf: UnitOf): UnitOf {
  return (window) => {
    const unit = unitOf(window);
    return unit === undefined || unit instanceof Unit
      ? unit
      : refuseAnswer('unitOf', 'a Unit or undefined', unit);
  };
}

/**
 * Wraps a `resolvePa`: throws an AnswerError unless it returns a place in a memory or
 * undefined.
 */
export function checkedResolver(resolvePa: ResolvePa): ResolvePa {
  return (pa, length) => {
    const at = resolvePa(pa, length);
    return at === undefined || (isUint32(at?.window) && isUint32(at.offset))
      ? at
      : refuseAnswer('resolvePa', 'an object { window, offset }, or undefined', at);
  };
}

/**
 * Resolves addresses in the memories of the unit itself and of the guests whose units are
 * on this thread.
 */
export function resolverOf(unit: Unit, unitOf: UnitOf): ResolvePa {
  return (pa, length) => (unitOf(Math.floor(pa / 2 ** 32)) ?? unit).resolvePa(pa, length);
}
