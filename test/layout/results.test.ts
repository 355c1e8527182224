// SPDX-License-Identifier: MIT
// Results, attributes and the doorbell's number, unchanged for all callers of the hot
// modules: literal numbers, which a build with old and new modules would confuse.

import { describe, expect, it } from 'vitest';
import * as ACCESS from '../../assembly/layout/access.ts';
import * as ARM64 from '../../assembly/layout/arm64-results.ts';
import * as ATS from '../../assembly/layout/ats-results.ts';
import * as DOORBELL from '../../assembly/layout/doorbell-id.ts';
import * as DRAIN from '../../assembly/layout/drain-results.ts';
import * as PORT from '../../assembly/layout/guest-port-results.ts';
import {
  TRACE_DOORBELL,
  TRACE_DOORBELL_CONTEXT,
  TRACE_DOORBELL_OFFSET,
} from '../../assembly/layout/trace-memory.ts';
import * as TRANSLATE from '../../assembly/layout/translate-results.ts';
import * as WALK from '../../assembly/layout/walk-results.ts';
import { fieldsOf, overlaps, packed } from './images.ts';

describe('results and attributes', () => {
  it.each([
    [
      'of an access',
      ACCESS,
      {
        ACCESS_WRITE: 0x1,
        ACCESS_PRIVILEGED: 0x2,
        ACCESS_INSTRUCTION: 0x4,
        ACCESS_ATOMIC: 0x8,
        ACCESS_MORE: 0x10,
        ACCESS_NO_SSID: -1,
        ACCESS_ATS_REQUEST: 0x4000_0000,
        ACCESS_LOOK: 0x8000_0000,
      },
    ],
    [
      'of a translation',
      TRANSLATE,
      {
        TRANSLATE_OK: 0,
        TRANSLATE_ABORT: 1,
        TRANSLATE_RAZWI: 2,
        TRANSLATE_STALLED: 3,
        TRANSLATE_WAIT: 4,
      },
    ],
    [
      'of an endpoint with ATS',
      ATS,
      {
        ATS_SUCCESS: 0,
        ATS_UR: 1,
        ATS_CA: 2,
        ATS_GRANTED_SHIFT: 8,
        ATS_READ: 1,
        ATS_WRITE: 2,
        ATS_EXECUTE: 4,
        ATC_DENIED: 3,
        ATC_REFUSED: 4,
        ATC_NO_PORT: -1,
      },
    ],
    ['of a walk', WALK, { WALK_FAULT: 0, WALK_DONE: 1, WALK_AGAIN: 2 }],
    [
      'of the drain',
      DRAIN,
      {
        WATCH_NO_COMMAND: 0xffff_ffff,
        QUEUE_BUSY: 0,
        QUEUE_ACQUIRED: 1,
        ROUND_WORK: 256,
        SERVICE_ROUNDS: 4,
        SERVICE_COMMANDS: 1024,
      },
    ],
    ['of the guest port', PORT, { NO_OFFSET: 0xffff_ffff }],
  ] as const)('%s are these', (_, layout, numbers) => {
    expect({ ...layout }).toEqual(numbers);
  });
});

describe('exits of an arm64 vCPU', () => {
  it('have a number each', () => {
    const exits = Object.entries(ARM64).filter(([name]) => name.startsWith('ARM64_EXIT_'));
    const numbers = exits.map(([, number]) => number).sort((a, b) => a - b);
    expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

describe('a doorbell', () => {
  it('has its number in 32 bits: slot, SMMU, context', () => {
    const fields = fieldsOf(DOORBELL, /^$/);
    expect(fields).toEqual({
      DOORBELL_CONTEXT: packed([0, 7, 0]),
      DOORBELL_SMMU: packed([0, 15, 8]),
      DOORBELL_SLOT: packed([0, 31, 16]),
    });
    expect(overlaps(fields)).toEqual([]);
  });

  it('has context and offset in the trace, below its mark', () => {
    expect([TRACE_DOORBELL, TRACE_DOORBELL_CONTEXT, TRACE_DOORBELL_OFFSET]).toEqual([
      0x8000_0000,
      packed([0, 23, 16]),
      packed([0, 15, 0]),
    ]);
  });
});
