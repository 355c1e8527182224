// SPDX-License-Identifier: MIT
// Why an SMMU treats a CD as ILLEGAL (IHI 0070 section 5.4): C_BAD_CD.

import * as CD from '../../../assembly/layout/cd.ts';
import {
  IDR0_ASID16,
  IDR0_HTTU,
  IDR0_STALL_MODEL,
  IDR0_TERM_MODEL,
  IDR0_TTENDIAN,
  STALL_MODEL_FORCED,
  STALL_MODEL_TERMINATE,
  TTENDIAN_MIXED,
} from '../../../assembly/layout/smmu-registers.ts';
import { STE_S1STALLD } from '../../../assembly/layout/ste.ts';
import { fieldOf } from '../../plugin/index.ts';
import type { Words } from '../structure.ts';
import { CD_HALVES, type CdHalf, tableBaseOf } from './cd-halves.ts';
import {
  type JudgingRegisters,
  type Named,
  type Refusal,
  registerField,
  structureReader,
  told,
} from './refusal.ts';
import { baseRefusals, granuleRefusals, hasLpa2, MAX_TSZ, minTsz } from './table-shape-refusals.ts';

const SECTION = '5.4';

const because = (what: Named, against: Named): Refusal => ({
  text: `${told(what)} but ${told(against)}`,
  section: SECTION,
});

function* halfRefusals(cd: Words, half: CdHalf, ids: JudgingRegisters): Generator<Refusal> {
  const of = structureReader(cd, 'CD');
  const tg = of(`TG${half.number}`, half.tg);
  const granule = half.granules[tg.value];
  yield* granuleRefusals(tg, granule, ids, SECTION);
  if (granule === undefined) return;
  const lpa2 = hasLpa2(granule, of('DS', CD.CD_DS), ids);
  const tsz = of(`T${half.number}SZ`, half.tsz);
  const least = minTsz(granule, lpa2, 1, ids);
  if (tsz.value < least || tsz.value > MAX_TSZ)
    yield { text: `${told(tsz)} is not from ${least} to ${MAX_TSZ}`, section: SECTION };
  const base = tableBaseOf(cd, half);
  yield* baseRefusals(`CD.TTB${half.number}`, base, of('IPS', CD.CD_IPS), granule, lpa2, ids);
}

/**
 * Every reason for which an SMMU refuses a CD, in the order of IHI 0070 section 5.4; none
 * when it is valid. For a stream of EL2 without E2H, fields that such a CD does not have
 * must be 0, and EPD1 must be 1.
 * @param cd 16 words.
 * @param ste of its stream, 16 words.
 */
export function* cdRefusals(cd: Words, ste: Words, ids: JudgingRegisters): Generator<Refusal> {
  const of = structureReader(cd, 'CD');
  const idr0 = registerField('IDR0', ids.idr0);
  const valid = of('V', CD.CD_V);
  if (valid.value === 0) {
    yield { text: told(valid), section: SECTION };
    return;
  }
  const aa64 = of('AA64', CD.CD_AA64);
  if (aa64.value === 0)
    yield { text: `${told(aa64)}: tables of AArch32 are not implemented`, section: SECTION };
  const halves = CD_HALVES.filter(({ off }) => fieldOf(cd, off) === 0);
  const endian = of('ENDI', CD.CD_ENDI);
  const endians = idr0('TTENDIAN', IDR0_TTENDIAN);
  // While both halves are disabled no table is walked, so the endianness has no effect.
  if (endian.value !== 0 && endians.value !== TTENDIAN_MIXED && halves.length > 0)
    yield because(endian, endians);
  const [asid, asid16] = [of('ASID', CD.CD_ASID), idr0('ASID16', IDR0_ASID16)];
  if (asid16.value === 0 && asid.value > 0xff) yield because(asid, asid16);
  const httu = idr0('HTTU', IDR0_HTTU);
  const [ha, hd] = [of('HA', CD.CD_HA), of('HD', CD.CD_HD)];
  if (ha.value !== 0 && httu.value < 1) yield because(ha, httu);
  if (hd.value !== 0 && httu.value < 2) yield because(hd, httu);
  const [abort, terminates] = [of('A', CD.CD_A), idr0('TERM_MODEL', IDR0_TERM_MODEL)];
  if (abort.value === 0 && terminates.value !== 0) yield because(abort, terminates);
  const stall = of('S', CD.CD_S);
  const model = idr0('STALL_MODEL', IDR0_STALL_MODEL);
  if (model.value === (stall.value === 0 ? STALL_MODEL_FORCED : STALL_MODEL_TERMINATE))
    yield because(stall, model);
  const disabled = structureReader(ste, 'STE')('S1STALLD', STE_S1STALLD);
  if (stall.value !== 0 && disabled.value !== 0) yield because(stall, disabled);
  for (const half of halves) yield* halfRefusals(cd, half, ids);
}
