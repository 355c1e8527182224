// SPDX-License-Identifier: MIT
// Links to the demo: a written link can be parsed, and a wrong parameter is reported in
// one line.

import { describe, expect, it } from 'vitest';
import { PANEL_NAMES } from '../../demo/link/panel-names.ts';
import {
  MOST_STEPS,
  type Place,
  placeForLink,
  placeProblems,
  readPlace,
  writePlace,
} from '../../demo/link/place.ts';

const query = (text: string) => new URLSearchParams(text);

describe('a place', () => {
  it.each<Place>([
    { step: 0 },
    { step: MOST_STEPS, panel: 'iotlb' },
    { step: 3, event: 0, panel: 'events' },
    { event: 9_999_999 },
    {},
  ])('%j is read as it was written', (place) => {
    const written = query('events=yes');
    writePlace(place, written);
    expect(placeProblems(written)).toEqual([]);
    expect(readPlace(written)).toEqual({
      step: undefined,
      event: undefined,
      panel: undefined,
      ...place,
    });
  });

  it('beyond the limits of a link is left out, which is reported', () => {
    const far = { step: MOST_STEPS + 1, event: 10_000_000, panel: 'iotlb' } as const;
    const { place, lost } = placeForLink(far);
    const written = query('events=yes');
    writePlace(place, written);
    expect(placeProblems(written)).toEqual([]);
    expect(readPlace(written)).toEqual({ step: undefined, event: undefined, panel: 'iotlb' });
    expect(lost).toEqual([
      'The link has no step 20001: 20000 is the most for a link.',
      'The link has no event 10000000: 9999999 is the most for a link.',
    ]);
    const near = { step: MOST_STEPS, event: 5, panel: undefined };
    expect(placeForLink(near)).toEqual({ place: near, lost: [] });
  });

  it.each([
    ['step=20001', 'step=20001: must be a number from 0 to 20000; ignored.'],
    ['step=-1', 'step=-1: must be a number from 0 to 20000; ignored.'],
    ['step=1e3', 'step=1e3: must be a number from 0 to 20000; ignored.'],
    ['step=', 'step=: must be a number from 0 to 20000; ignored.'],
    ['step=1&step=2', 'step=2: there is one already; ignored.'],
    ['event=1', 'event=1: must be a number from 0 to 9999999, with events=yes; ignored.'],
    ['panel=roof', `panel=roof: must be one of ${PANEL_NAMES.join(', ')}; ignored.`],
    [
      `panel=${'x'.repeat(5000)}`,
      `panel=${'x'.repeat(40)}\u2026: must be one of ${PANEL_NAMES.join(', ')}; ignored.`,
    ],
  ])('%s is ignored', (text, line) => {
    expect(placeProblems(query(text))).toEqual([line]);
  });
});
