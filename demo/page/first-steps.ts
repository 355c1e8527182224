// SPDX-License-Identifier: MIT
// The steps that new machines take before they are shown.

import { isLive, type Settings } from '../demo-settings.ts';
import { MOST_STEPS, type Place } from '../link/place.ts';
import { tourStop } from '../tour.ts';

/** @returns undefined when they are shown as they begin. */
export function firstSteps({ step, event }: Place, settings: Settings): number | undefined {
  // Without a step, the number is that of an event of the whole experiment.
  const toEnd = event !== undefined && !isLive(settings) ? MOST_STEPS : undefined;
  return step ?? tourStop(settings.tour)?.steps ?? toEnd;
}
