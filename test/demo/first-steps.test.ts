// SPDX-License-Identifier: MIT
// The steps that new machines take before they are shown.

import { expect, it } from 'vitest';
import { readSettings } from '../../demo/demo-settings.ts';
import { MOST_STEPS, readPlace } from '../../demo/link/place.ts';
import { firstSteps } from '../../demo/page/first-steps.ts';
import { tourStop } from '../../demo/tour.ts';

it.each([
  ['vms=1', undefined],
  ['step=4&experiment=btm', 4],
  ['events=yes&event=9&step=4&experiment=btm', 4],
  ['events=yes&event=9&experiment=btm', MOST_STEPS],
  ['events=yes&event=9', undefined],
  ['experiment=btm', undefined],
  ['tour=3', tourStop(3)?.steps],
])('%s takes %s', (text, steps) => {
  const query = new URLSearchParams(text);
  expect(firstSteps(readPlace(query), readSettings(query))).toBe(steps);
});
