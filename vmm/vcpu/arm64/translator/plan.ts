// SPDX-License-Identifier: MIT
// Interface of the emitters: one plan for each form, by name.

import type { A64Fields } from '../../../../assembly/layout/a64/a64-forms.ts';
import type { RegionCode } from './region-code.ts';

/** Emits the code of an instruction. */
export type Emit = (code: RegionCode) => void;

/**
 * Plans the code of an instruction with these fields; undefined when the interpreter has
 * to execute it.
 */
export type EmitPlan = (fields: A64Fields) => Emit | undefined;

/** EmitPlans by the names of forms. */
export type EmitPlans = Readonly<Record<string, EmitPlan>>;
