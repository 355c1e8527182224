// SPDX-License-Identifier: MIT
// Functions of a VMM that find memory and units for a CMDQV; their answers are looked at.

import { refuseAnswer } from '../plugin/answers.ts';
import { Unit } from '../unit/index.ts';
import type { ResolvePa, UnitOf } from './physical-vcmdq.ts';

const isUint32 = (value: unknown) => Number.isInteger(value) && Number(value) >>> 0 === value;

/** A `unitOf` that returns a unit or undefined, and throws an AnswerError otherwise. */
export function checkedUnitOf(unitOf: UnitOf): UnitOf {
  return (window) => {
    const unit = unitOf(window);
    return unit === undefined || unit instanceof Unit
      ? unit
      : refuseAnswer('unitOf', 'a Unit or undefined', unit);
  };
}

/** A `resolvePa` that returns a place in a memory or undefined, and throws an AnswerError otherwise. */
export function checkedResolver(resolvePa: ResolvePa): ResolvePa {
  return (pa, length) => {
    const at = resolvePa(pa, length);
    return at === undefined || (isUint32(at?.window) && isUint32(at.offset))
      ? at
      : refuseAnswer('resolvePa', 'an object { window, offset }, or undefined', at);
  };
}

/** What the unit itself reaches, and the guests whose units are at hand. */
export function resolverOf(unit: Unit, unitOf: UnitOf): ResolvePa {
  return (pa, length) => (unitOf(Math.floor(pa / 2 ** 32)) ?? unit).resolvePa(pa, length);
}
