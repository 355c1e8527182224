// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { MachineError } from '../../../devices/plugin/index.ts';
import { type CoreEnd, MachineState } from '../../../vmm/machine/index.ts';

const OFF: CoreEnd = { status: 'off', exitCode: 3 };
const STOPPED: CoreEnd = { status: 'stopped', reason: 'enough' };
const FAILED: CoreEnd = { status: 'failed', error: new MachineError('uart', 'broken') };
const WHY = new Error('why');

/** Operations on a machine. */
const STEPS: Readonly<Record<string, (state: MachineState) => unknown>> = {
  booted: (state) => state.booted(),
  enter: (state) => state.enter(),
  leave: (state) => state.leave(),
  off: (state) => state.leave(OFF),
  stop: (state) => state.end(STOPPED, WHY),
  fail: (state) => state.end(FAILED, WHY),
  reset: (state) => state.reset(),
  pause: (state) => state.pause(),
  resume: (state) => state.resume(),
  step: (state) => state.step(),
};

/** The state after these steps, and what the last one returned. */
function stateAfter(...steps: readonly string[]) {
  const state = new MachineState();
  const [returned] = steps.map((step) => STEPS[step]?.(state)).slice(-1);
  return { state, returned };
}

describe('the life cycle of a machine', () => {
  it.each([
    ['', 'new', false],
    ['booted', 'running', false],
    ['booted enter', 'running', true],
    ['booted enter leave', 'running', false],
    ['booted enter leave enter', 'running', true],
    ['booted enter off', 'off', false],
    ['booted stop', 'stopped', false],
    ['booted fail', 'failed', false],
    ['booted enter stop', 'running', true],
    ['booted enter stop leave', 'stopped', false],
    ['booted enter fail leave', 'failed', false],
    // It was to fail before its program ended.
    ['booted enter fail off', 'failed', false],
    // The first reason counts, unless its owner's decision overrides it.
    ['booted enter fail stop leave', 'stopped', false],
    ['booted enter stop fail leave', 'stopped', false],
    // Ended before it was booted: it does not run.
    ['stop', 'stopped', false],
    ['fail booted', 'failed', false],
    ['fail booted enter', 'failed', false],
    // An ended machine keeps its result.
    ['booted enter off stop', 'off', false],
    ['booted enter off fail', 'off', false],
    ['booted enter off enter', 'off', false],
    ['enter', 'new', false],
    ['booted enter off reset', 'new', false],
    ['booted enter off reset booted enter', 'running', true],
  ])('%j: %s, entered %s', (steps, status, entered) => {
    const { state } = stateAfter(...steps.split(' '));
    expect([state.status, state.isEntered]).toEqual([status, entered]);
  });

  it.each([
    ['pause', 'free', false],
    ['pause booted', 'free', false],
    ['booted pause', 'paused', false],
    ['booted pause enter', 'paused', false],
    ['booted pause resume enter', 'free', true],
    ['booted enter pause', 'paused', true],
    ['booted enter pause leave', 'paused', false],
    ['booted enter pause leave enter', 'paused', false],
    ['booted enter pause resume', 'free', true],
    // A step lasts until the next pause, and is only possible for a paused machine.
    ['booted pause step', 'step', false],
    ['booted pause step enter', 'step', true],
    ['booted pause step enter leave', 'step', false],
    ['booted pause step enter leave pause', 'paused', false],
    ['booted pause step enter pause', 'paused', true],
    ['booted pause step enter resume', 'free', true],
    ['booted enter pause step', 'step', true],
    ['booted step', 'free', false],
    ['booted enter step', 'free', true],
    ['step booted', 'free', false],
    // An ended machine is not paused.
    ['booted pause stop', 'free', false],
    ['booted enter pause stop', 'free', true],
    ['booted enter pause off', 'free', false],
    ['booted pause step enter off', 'free', false],
    ['booted pause stop step', 'free', false],
    ['booted pause stop reset booted', 'free', false],
  ] as const)('%j: pace %s, entered %s', (steps, pace, entered) => {
    const { state } = stateAfter(...steps.split(' '));
    expect([state.pace, state.isEntered]).toEqual([pace, entered]);
  });

  it('returns how it ended', () => {
    expect(stateAfter('booted', 'enter', 'off').state.ended).toBe(OFF);
    expect(stateAfter('booted', 'enter', 'fail', 'leave').state.ended).toBe(FAILED);
    expect(stateAfter('booted', 'enter', 'fail').state.ended).toBeUndefined();
  });

  it('returns whether it was still to end', () => {
    expect(stateAfter('stop').returned).toBe(true);
    expect(stateAfter('booted', 'stop').returned).toBe(true);
    expect(stateAfter('booted', 'enter', 'stop').returned).toBe(true);
    expect(stateAfter('booted', 'enter', 'off', 'stop').returned).toBe(false);
  });

  it('has every call of the guest throw until it has been left', () => {
    expect(stateAfter('booted', 'enter').state.thrown).toBeUndefined();
    expect(stateAfter('booted', 'enter', 'stop').state.thrown).toBe(WHY);
    expect(stateAfter('booted', 'enter', 'stop', 'leave').state.thrown).toBeUndefined();
    expect(stateAfter('booted', 'stop').state.thrown).toBeUndefined();
  });
});
