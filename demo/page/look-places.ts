// SPDX-License-Identifier: MIT
// The places on the page that experiments ask the user to look at. They are outlined
// while an experiment runs.

import type { ExperimentName } from '../../vmm/boards/index.ts';

/** Words in the instructions of experiments, and the elements that they name. */
export const LOOK_PLACES: Readonly<
  Record<ExperimentName, readonly (readonly [words: string, selector: string])[]>
> = {
  'hyp-own': [['console', '.console']],
  'stale-dma': [
    ['IOTLB', '.tlb'],
    ['event queue', '.eventq'],
  ],
  'illegal-command': [
    ["the VCMDQ's errors", '[data-queue="vm0 VCMDQ 0"]'],
    ['one event at a time', '#events'],
  ],
  'foreign-ids': [['the last steps', '#strip']],
  'ring-corruption': [
    ['the VCMDQ', '[data-queue="vm0 VCMDQ 0"]'],
    ['one event at a time', '#events'],
    ['the other VM', '[data-vm="vm1"]'],
  ],
  'compare-paths': [['the table', '.outcome table']],
  'forget-tlbi': [['the sanitizer', '.findings']],
  'forget-cfgi-cd': [['the sanitizer', '.findings']],
  'forget-cfgi-ste': [['the sanitizer', '.findings']],
  btm: [
    ['IOTLB', '.tlb'],
    ['one event at a time', '#events'],
    ['the CMDQ', '[data-queue="vm0 CMDQ"]'],
    ['a VCMDQ', '[data-queue="vm0 VCMDQ 0"]'],
  ],
  'btm-vmids': [['IOTLB', '.tlb']],
};

const placesOf = (experiment: string) =>
  Object.hasOwn(LOOK_PLACES, experiment) ? LOOK_PLACES[experiment as ExperimentName] : [];

/** A part of a text, with the selector of the place that it names, if any. */
export interface LookPart {
  readonly text: string;
  readonly selector?: string;
}

/** The instructions of an experiment in parts, in order. */
export function lookParts(experiment: string, look: string): readonly LookPart[] {
  const places = placesOf(experiment)
    .map(([words, selector]) => ({ words, selector, at: look.indexOf(words) }))
    .sort((a, b) => a.at - b.at);
  const parts: LookPart[] = [];
  let end = 0;
  for (const { words, selector, at } of places) {
    if (at < end) continue;
    parts.push({ text: look.slice(end, at) }, { text: words, selector });
    end = at + words.length;
  }
  return [...parts, { text: look.slice(end) }];
}

let marked: readonly Element[] = [];

/** Outlines the elements that an experiment mentions, and no others. */
export function markLooks(experiment: string): void {
  const places = placesOf(experiment);
  const found = places
    .map(([, selector]) => document.querySelector(selector))
    .filter((one) => one !== null);
  for (const one of marked) if (!found.includes(one)) one.removeAttribute('data-look');
  for (const one of found) one.setAttribute('data-look', '');
  marked = found;
}
