// SPDX-License-Identifier: MIT
// Checks of the arm64 toy that the host makes, because the guest does not see its exits.

import { describe, expect, it } from 'vitest';
import {
  CHECKPOINT_DATA,
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PATH_TRAPPED,
  CHECKPOINT_PHASE,
  CHECKPOINT_PHASE_END,
  CHECKPOINT_PHASE_MEASURE,
  CHECKPOINT_RESULT,
} from '../../assembly/layout/checkpoint-registers.ts';
import { MeasuredToy, WARM_UP_ROUNDS } from '../../cli/measured-toy.ts';
import { DeviceBus, FakeHost } from '../../devices/testing/index.ts';
import { ARM64_TOY_BATCHES } from '../../guest-driver/arm64-toy/a64-toy.ts';
import type { Machine } from '../../vmm/api/index.ts';

/** A toy without its guest: the test supplies exits and reports. */
function toyWithoutGuest() {
  const checks: [name: string, ok: boolean, detail: string][] = [];
  const byRegister: Record<string, number> = { 'cmdqv.VINTF0_CONFIG': 3, 'pl011.UARTDR': 5 };
  const toy = new MeasuredToy((...check) => checks.push(check));
  toy.machine = {
    on: () => undefined,
    statistics: { exits: { byRegister } },
  } as unknown as Machine;
  const host = new FakeHost();
  toy.device.attach(host);
  const bus = new DeviceBus(toy.device);
  const data = (words: readonly number[]) => {
    for (const [k, word] of words.entries()) bus.write32(CHECKPOINT_DATA + 4 * k, word);
  };
  return {
    toy,
    checks,
    exit(register: string, times = 1) {
      byRegister[register] = (byRegister[register] ?? 0) + times;
    },
    report(name: string, ok = true) {
      host.ram.set(new TextEncoder().encode(name));
      data([host.ramGpa, name.length, 0, 0]);
      bus.write32(CHECKPOINT_RESULT, ok ? 1 : 0);
    },
    phase(path: number, commands: number, during: () => void, vcpus = 0) {
      data([path, commands, 0, 0, 0, 0, 0, vcpus]);
      bus.write32(CHECKPOINT_PHASE, CHECKPOINT_PHASE_MEASURE);
      during();
      bus.write32(CHECKPOINT_PHASE, CHECKPOINT_PHASE_MEASURE + CHECKPOINT_PHASE_END);
    },
  };
}

const EXITS = [
  [0, true],
  [1, false],
] as const;

describe('the checks of the host', () => {
  it.each(EXITS)('page 0 of the VINTF: %d exits', (exits, ok) => {
    const { report, exit, checks } = toyWithoutGuest();
    report('cmdqv-reset');
    exit('cmdqv.VINTF0_LVCMDQ0_CONS', exits);
    exit('pl011.UARTDR');
    report('vcmdq-batches');
    expect(checks).toEqual([
      ['cmdqv-reset', true, ''],
      ['page0-direct', ok, `page 0 of VINTF 0: ${exits} exits`],
      ['vcmdq-batches', true, ''],
    ]);
  });

  it.each(EXITS)('an invalidation on a VCMDQ: %d exits', (exits, ok) => {
    const { report, exit, checks } = toyWithoutGuest();
    report('cmdqv-reset');
    report('stale-entry-used');
    exit('cmdqv.VINTF0_LVCMDQ0_PROD', exits);
    report('invalidate');
    expect(checks.at(-1)).toEqual(['invalidate', ok, `: ${exits} exits`]);
    report('invalidate', false);
    expect(checks.at(-1)).toEqual(['invalidate', false, ': 0 exits']);
  });

  it('has exits of an invalidation on the CMDQ', () => {
    const { report, exit, checks } = toyWithoutGuest();
    report('stale-entry-used');
    exit('smmuv3.CMDQ_PROD', 2);
    report('invalidate');
    expect(checks.at(-1)).toEqual(['invalidate', true, ': 2 exits']);
  });

  it.each(EXITS)('all batches on VCMDQs: %d exits', (exits, ok) => {
    const { report, exit, phase, checks } = toyWithoutGuest();
    report('cmdqv-reset');
    for (let round = 0; round < WARM_UP_ROUNDS + 2; round++) {
      phase(CHECKPOINT_PATH_DIRECT, 1, () => undefined);
      phase(CHECKPOINT_PATH_TRAPPED, 1, () => exit('smmuv3.CMDQ_PROD', 2));
    }
    phase(CHECKPOINT_PATH_DIRECT, 1, () => exit('cmdqv.VINTF0_LVCMDQ0_PROD', exits));
    report('measurement');
    expect(checks.slice(-2)).toEqual([
      ['measurement', true, ''],
      ['no-exits-direct', ok, `${exits} exits during all direct batches`],
    ]);
  });

  it.each(EXITS)('batches of several vCPUs at once: %d exits', (exits, ok) => {
    const { report, exit, phase, checks, toy } = toyWithoutGuest();
    report('cmdqv-reset');
    for (let round = 0; round <= WARM_UP_ROUNDS; round++)
      for (const vcpus of [1, 2]) phase(CHECKPOINT_PATH_DIRECT, 16, () => undefined, vcpus);
    phase(CHECKPOINT_PATH_DIRECT, 16, () => exit('cmdqv.VINTF0_LVCMDQ1_PROD', exits), 2);
    report('parallel');
    expect(checks.at(-1)).toEqual(['parallel', ok, '']);
    const rows: number[][] = [];
    toy.report((row) => rows.push([...row.slice(0, 2), ...row.slice(4)]));
    expect(rows).toEqual([
      [CHECKPOINT_PATH_DIRECT, 16, ARM64_TOY_BATCHES, 0, 0, 1],
      [CHECKPOINT_PATH_DIRECT, 16, 2 * 2 * ARM64_TOY_BATCHES, exits, 0, 2],
    ]);
  });
});
