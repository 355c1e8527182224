// SPDX-License-Identifier: MIT
// What the experiments tell to look at is on the page (test/browser/experiments.test.ts finds it there).

import { expect, it } from 'vitest';
import { LOOK_PLACES, lookParts } from '../../demo/page/look-places.ts';
import { EXPERIMENTS } from '../../vmm/boards/index.ts';

it.each(EXPERIMENTS.map((one) => [one.name, one] as const))(
  '%s tells to look at what has a place on the page',
  (name, { look }) => {
    const places = LOOK_PLACES[name];
    expect(places.length).toBeGreaterThan(0);
    for (const [words] of places) expect(look).toContain(words);
  },
);

it.each(EXPERIMENTS.map((one) => [one.name, one] as const))(
  '%s leads to each of these places from the words that name it',
  (name, { look }) => {
    const parts = lookParts(name, look);
    expect(parts.map(({ text }) => text).join('')).toBe(look);
    const named = parts.filter(({ selector }) => selector !== undefined);
    const places = LOOK_PLACES[name].map(([text, selector]) => ({ text, selector }));
    expect(named).toHaveLength(places.length);
    expect(named).toEqual(expect.arrayContaining(places));
  },
);
