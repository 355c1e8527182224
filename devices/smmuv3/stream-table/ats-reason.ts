// SPDX-License-Identifier: MIT
// Why a stream has no ATS: the reason for refusing an endpoint's translation request or
// translated transaction.

import { F_BAD_ATS_TREQ } from '../../../assembly/layout/events.ts';
import { IDR0_ATS } from '../../../assembly/layout/smmu-registers.ts';
import {
  STE_CONFIG,
  STE_CONFIG_S1,
  STE_CONFIG_S2,
  STE_EATS,
  STE_EATS_FULL,
} from '../../../assembly/layout/ste.ts';
import type { WalkRefusal } from '../../decode/refusals/index.ts';
import { bitsOf, fieldOf } from '../../plugin/index.ts';
import type { SmmuIdRegisters } from '../id-registers.ts';

/** Bits of Config that are set when a stage translates. */
const TRANSLATES = (STE_CONFIG_S1 | STE_CONFIG_S2) & 3;

function why(ste: Uint32Array, ids: SmmuIdRegisters, smmuEnabled: boolean): string | undefined {
  if (!smmuEnabled) return 'CR0.SMMUEN = 0';
  if (bitsOf(ids.idr0, IDR0_ATS) === 0) return 'IDR0.ATS = 0';
  const config = fieldOf(ste, STE_CONFIG);
  if ((config & TRANSLATES) === 0) return `STE.Config = ${config}, and no stage translates`;
  const eats = fieldOf(ste, STE_EATS);
  return eats === STE_EATS_FULL ? undefined : `STE.EATS = ${eats}`;
}

/** @param event F_BAD_ATS_TREQ or F_TRANSL_FORBIDDEN. */
export function atsReason(
  event: number,
  ste: Uint32Array,
  ids: SmmuIdRegisters,
  smmuEnabled: boolean,
): WalkRefusal | undefined {
  const [what, section] =
    event === F_BAD_ATS_TREQ
      ? ['a translation request', '7.3.6']
      : ['a translated transaction', '7.3.8'];
  const reason = why(ste, ids, smmuEnabled);
  return reason === undefined ? undefined : { event, text: `${what}, but ${reason}`, section };
}
