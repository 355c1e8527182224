// SPDX-License-Identifier: MIT
// When the host's part of the sanitizer decides about its suspects.

import { beforeEach, expect, it } from 'vitest';
import { createHostMemory } from '../../../devices/unit/index.ts';
import { type Finding, Sanitizer } from '../../../vmm/inspect/sanitizer/index.ts';

const SID = 8;
const GRACE_NS = 1e9;
const SUSPECT = { text: 'a stale entry' } as Finding;

let now = 0;
let step = 0;
let reported: Finding[] = [];
let sanitizer: Sanitizer;

beforeEach(() => {
  now = 0;
  step = 0;
  reported = [];
  sanitizer = new Sanitizer({
    memory: createHostMemory(),
    smmu: 0x10000,
    clock: {
      nowNs: () => {
        now += step;
        return now;
      },
    },
    ownerOf: () => undefined,
    onFinding: (finding) => reported.push(finding),
  });
});

it('a suspect becomes one finding, even if its time ends while the clock is read', () => {
  step = 300_000;
  sanitizer.suspect(SID, SUSPECT, () => true);
  for (let poll = 0; poll < 8000; poll++) sanitizer.poll();
  expect(reported).toEqual([SUSPECT]);
  expect(sanitizer.findings).toEqual([SUSPECT]);
});

it('a suspect is one until its entry is invalidated, without a poll, or is a finding', () => {
  let cached = true;
  sanitizer.suspect(SID, SUSPECT, () => cached);
  sanitizer.suspect(SID, { ...SUSPECT, text: 'another one' }, () => true);
  expect(sanitizer.suspects.map(({ text }) => text)).toEqual(['a stale entry', 'another one']);
  cached = false;
  expect(sanitizer.suspects.map(({ text }) => text)).toEqual(['another one']);
  now = GRACE_NS;
  sanitizer.poll();
  expect(sanitizer.suspects).toEqual([]);
  expect(reported.map(({ text }) => text)).toEqual(['another one']);
});
