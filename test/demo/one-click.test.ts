// SPDX-License-Identifier: MIT
// What is started by a click runs, also on a page whose machines did not start by themselves.

import { expect, it } from 'vitest';
import { experimentSettings, readSettings, settingsOfLines } from '../../demo/demo-settings.ts';
import { EXPERIMENTS } from '../../vmm/boards/index.ts';

const paused = readSettings(new URLSearchParams('run=no&vms=1'));

it.each(['none', ...EXPERIMENTS.map(({ name }) => name)])('experiment %s', (name) => {
  expect(experimentSettings(paused, name)).toMatchObject({ experiment: name, run: true });
});

it("the user's lines", () => {
  expect(settingsOfLines('sync')).toMatchObject({ lines: 'sync', run: true });
});
