// SPDX-License-Identifier: MIT
// Why an SMMU treats an STE as ILLEGAL (IHI 0070 section 5.2): C_BAD_STE.

import {
  IDR0_ATS,
  IDR0_CD2L,
  IDR0_HTTU,
  IDR0_HYP,
  IDR0_S1P,
  IDR0_S2P,
  IDR0_STALL_MODEL,
  IDR0_TTENDIAN,
  IDR0_VMID16,
  IDR1_SSIDSIZE,
  STALL_MODEL_BOTH,
  STALL_MODEL_FORCED,
  STALL_MODEL_TERMINATE,
  TTENDIAN_MIXED,
} from '../../../assembly/layout/smmu-registers.ts';
import * as STE from '../../../assembly/layout/ste.ts';
import { type Field, fieldOf } from '../../plugin/index.ts';
import type { Granule } from '../../tables/index.ts';
import { entryShift } from '../../tables/table-geometry.ts';
import type { Words } from '../structure.ts';
import {
  type JudgingRegisters,
  type Named,
  type Refusal,
  registerField,
  structureReader,
  told,
} from './refusal.ts';
import {
  BY_TG0,
  baseRefusals,
  granuleRefusals,
  hasLpa2,
  indexBits,
  MAX_TSZ,
  minTsz,
  oasOf,
  oasOfStart,
  startLevelOf,
} from './table-shape-refusals.ts';

const SECTION = '5.2';
const STRW_EL2 = 2;

const because = (what: Named, against: Named, rest = ''): Refusal => ({
  text: `${told(what)} but ${told(against)}${rest}`,
  section: SECTION,
});

const addressOf = (ste: Words, lo: Field, hi: Field, shift: number) =>
  (BigInt(fieldOf(ste, hi)) << 32n) | (BigInt(fieldOf(ste, lo)) << BigInt(shift));

/** Checks of stage 1. */
function* stage1Refusals(ste: Words, ids: JudgingRegisters): Generator<Refusal> {
  const of = structureReader(ste, 'STE');
  const idr0 = registerField('IDR0', ids.idr0);
  const config = of('Config', STE.STE_CONFIG);
  const s1p = idr0('S1P', IDR0_S1P);
  if (s1p.value === 0) yield because(config, s1p);
  const stalls = of('S1STALLD', STE.STE_S1STALLD);
  const model = idr0('STALL_MODEL', IDR0_STALL_MODEL);
  if (stalls.value !== 0 && model.value !== STALL_MODEL_BOTH) yield because(stalls, model);
  const ssids = registerField('IDR1', ids.idr1)('SSIDSIZE', IDR1_SSIDSIZE);
  const most = of('S1CDMax', STE.STE_S1CDMAX);
  // Without substreams S1CDMax is ignored, and so is S1Fmt.
  if (ssids.value > 0 && most.value > ssids.value) yield because(most, ssids);
  const format = of('S1Fmt', STE.STE_S1FMT);
  const cd2l = idr0('CD2L', IDR0_CD2L);
  const is2Level = format.value === STE.STE_S1FMT_4K || format.value === STE.STE_S1FMT_64K;
  if (ssids.value > 0 && most.value > 0 && is2Level && cd2l.value === 0)
    yield because(format, cd2l);
  const pointer = addressOf(ste, STE.STE_S1CONTEXTPTR_LO, STE.STE_S1CONTEXTPTR_HI, 6);
  const oas = oasOf(ids);
  if (pointer >> BigInt(oas) !== 0n)
    yield {
      text: `STE.S1ContextPtr = 0x${pointer.toString(16)} is beyond the ${oas} bits of IDR5.OAS`,
      section: SECTION,
    };
}

/** Checks of S2T0SZ, S2SL0 and their combination. */
function* sizeRefusals(
  ste: Words,
  ids: JudgingRegisters,
  granule: Granule,
  lpa2: boolean,
): Generator<Refusal> {
  const of = structureReader(ste, 'STE');
  const t0sz = of('S2T0SZ', STE.STE_S2T0SZ);
  const oas = oasOf(ids);
  const least = Math.max(minTsz(granule, lpa2, 2, ids), 64 - oas);
  if (t0sz.value < least || t0sz.value > MAX_TSZ) {
    yield {
      text: `${told(t0sz)} is not from ${least} to ${MAX_TSZ}, with OAS ${oas} and this granule`,
      section: SECTION,
    };
    return;
  }
  const sl0 = of('S2SL0', STE.STE_S2SL0);
  const start = startLevelOf(granule, sl0.value, fieldOf(ste, STE.STE_S2SL0_2), lpa2);
  if (start === undefined) {
    yield { text: `${told(sl0)} is reserved for this granule`, section: SECTION };
    return;
  }
  const wanted = oasOfStart(granule, sl0.value);
  if (oas < wanted)
    yield {
      text: `${told(sl0)}, level ${start}, takes an OAS of ${wanted} bits; it is ${oas}`,
      section: 'DDI 0487, R_SRKBC',
    };
  // At least one index bit, and at most 16 concatenated tables.
  const left = 64 - t0sz.value - entryShift(granule, start);
  const most = indexBits(granule) + 4;
  if (left <= 0 || left > most)
    yield {
      text:
        `${told(t0sz)} and ${told(sl0)} do not go together: the table of level ${start} would have ` +
        `2^${left} entries, from 2 to 2^${most} are possible`,
      section: SECTION,
    };
}

/** Checks of stage 2. */
function* stage2Refusals(ste: Words, ids: JudgingRegisters): Generator<Refusal> {
  const of = structureReader(ste, 'STE');
  const idr0 = registerField('IDR0', ids.idr0);
  const s2p = idr0('S2P', IDR0_S2P);
  if (s2p.value === 0) yield because(of('Config', STE.STE_CONFIG), s2p);
  const aa64 = of('S2AA64', STE.STE_S2AA64);
  if (aa64.value === 0)
    yield { text: `${told(aa64)}: tables of AArch32 are not implemented`, section: SECTION };
  const endian = of('S2ENDI', STE.STE_S2ENDI);
  const endians = idr0('TTENDIAN', IDR0_TTENDIAN);
  if (endian.value !== 0 && endians.value !== TTENDIAN_MIXED) yield because(endian, endians);
  const httu = idr0('HTTU', IDR0_HTTU);
  const [ha, hd] = [of('S2HA', STE.STE_S2HA), of('S2HD', STE.STE_S2HD)];
  if (ha.value !== 0 && httu.value < 1) yield because(ha, httu);
  if (hd.value !== 0 && httu.value < 2) yield because(hd, httu);
  const stall = of('S2S', STE.STE_S2S);
  const model = idr0('STALL_MODEL', IDR0_STALL_MODEL);
  if (model.value === (stall.value === 0 ? STALL_MODEL_FORCED : STALL_MODEL_TERMINATE))
    yield because(stall, model);
  const eats = of('EATS', STE.STE_EATS);
  if (stall.value !== 0 && idr0('ATS', IDR0_ATS).value !== 0 && eats.value === STE.STE_EATS_FULL)
    yield because(stall, eats, ': full ATS and stalls of stage 2 exclude each other');
  const tg = of('S2TG', STE.STE_S2TG);
  const granule = BY_TG0[tg.value];
  yield* granuleRefusals(tg, granule, ids, SECTION);
  if (granule === undefined) return;
  const lpa2 = hasLpa2(granule, of('S2DS', STE.STE_S2DS), ids);
  yield* sizeRefusals(ste, ids, granule, lpa2);
  const base = addressOf(ste, STE.STE_S2TTB_LO, STE.STE_S2TTB_HI, 4);
  yield* baseRefusals('STE.S2TTB', base, of('S2PS', STE.STE_S2PS), granule, lpa2, ids);
}

/**
 * Every reason for which an SMMU refuses an STE, in the order of IHI 0070 section 5.2;
 * none when it is valid, or aborts without an event.
 * @param ste 16 words, as the SMMU reads them: with nesting, the host's STE for both
 *   stages.
 */
export function* steRefusals(ste: Words, ids: JudgingRegisters): Generator<Refusal> {
  const of = structureReader(ste, 'STE');
  const idr0 = registerField('IDR0', ids.idr0);
  if (of('V', STE.STE_V).value === 0) {
    yield { text: 'STE.V = 0', section: SECTION };
    return;
  }
  const config = fieldOf(ste, STE.STE_CONFIG);
  if (config < STE.STE_CONFIG_BYPASS) return;
  const stage1 = (config & 1) !== 0;
  const stage2 = (config & 2) !== 0;
  if (!stage1 && !stage2) return;
  if (stage1) yield* stage1Refusals(ste, ids);
  const strw = of('STRW', STE.STE_STRW);
  const isHyp = idr0('HYP', IDR0_HYP).value !== 0;
  const alone = stage1 && !stage2;
  if (alone && isHyp && strw.value % 2 !== 0)
    yield { text: `${told(strw)} is reserved`, section: SECTION };
  if (stage2) yield* stage2Refusals(ste, ids);
  const isEl2 = alone && isHyp && strw.value === STRW_EL2;
  const vmid = of('S2VMID', STE.STE_S2VMID);
  const vmid16 = idr0('VMID16', IDR0_VMID16);
  if (!isEl2 && idr0('S2P', IDR0_S2P).value !== 0 && vmid16.value === 0 && vmid.value > 0xff)
    yield because(vmid, vmid16);
  const eats = of('EATS', STE.STE_EATS);
  if (idr0('ATS', IDR0_ATS).value !== 0 && eats.value === STE.STE_EATS_SPLIT)
    yield {
      text: `${told(eats)}: split-stage ATS is not implemented (IDR0.NS1ATS = 1)`,
      section: SECTION,
    };
}
