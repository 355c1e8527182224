// SPDX-License-Identifier: MIT
// Why a stream has no ATS, according to its STE and the SMMU.

import { expect, it } from 'vitest';
import { F_BAD_ATS_TREQ, F_TRANSL_FORBIDDEN } from '../../../assembly/layout/events.ts';
import { IDR0_ATS } from '../../../assembly/layout/smmu-registers.ts';
import { STE_EATS } from '../../../assembly/layout/ste.ts';
import { setField, withBits } from '../../../devices/plugin/index.ts';
import { PAGE_REQUEST_GUEST_ID_REGISTERS } from '../../../devices/smmuv3/index.ts';
import { atsReason } from '../../../devices/smmuv3/stream-table/ats-reason.ts';
import { bypassSte, stage1Ste } from '../../../devices/tables/index.ts';

const IDS = PAGE_REQUEST_GUEST_ID_REGISTERS;
const WITHOUT = { ...IDS, idr0: withBits(IDS.idr0, IDR0_ATS, 0) };

const withEats = (eats: number, ste = stage1Ste({ contextPtr: 0x1000 })) => {
  setField(ste, STE_EATS, eats);
  return ste;
};

it.each([
  ['the SMMU is off', withEats(1), IDS, false, 'CR0.SMMUEN = 0'],
  ['the SMMU has no ATS', withEats(1), WITHOUT, true, 'IDR0.ATS = 0'],
  [
    'the stream bypasses it',
    withEats(1, bypassSte()),
    IDS,
    true,
    'STE.Config = 4, and no stage translates',
  ],
  ['EATS is 0', withEats(0), IDS, true, 'STE.EATS = 0'],
  ['EATS is reserved', withEats(3), IDS, true, 'STE.EATS = 3'],
] as const)('is that %s', (_, ste, ids, enabled, why) => {
  expect(atsReason(F_BAD_ATS_TREQ, ste, ids, enabled)).toEqual({
    event: F_BAD_ATS_TREQ,
    text: `a translation request, but ${why}`,
    section: '7.3.6',
  });
  expect(atsReason(F_TRANSL_FORBIDDEN, ste, ids, enabled)).toEqual({
    event: F_TRANSL_FORBIDDEN,
    text: `a translated transaction, but ${why}`,
    section: '7.3.8',
  });
});

it('is not reported if the stream has ATS by now', () => {
  expect(atsReason(F_BAD_ATS_TREQ, withEats(1), IDS, true)).toBeUndefined();
});
