// SPDX-License-Identifier: MIT
// What the emitters are: one plan for each form, by its name.

import type { A64Fields } from '../../../../assembly/layout/a64/a64-forms.ts';
import type { RegionCode } from './region-code.ts';

/** Writes what an instruction does. */
export type Emit = (code: RegionCode) => void;

/**
 * How an instruction with these fields is written; undefined where the interpreter has to
 * execute it.
 */
export type EmitPlan = (fields: A64Fields) => Emit | undefined;

/** EmitPlans by the names of forms. */
export type EmitPlans = Readonly<Record<string, EmitPlan>>;
