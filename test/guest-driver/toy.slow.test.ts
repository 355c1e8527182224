// SPDX-License-Identifier: MIT
// The toy guest on a scripted board: its steps, its report, and whether it notices errors
// of a device.

import { describe, expect, it } from 'vitest';
import { runToy, type ToyOptions, type ToyRun } from '../support/toy-board.ts';

/** Number of the step that powers off. */
const LAST = 24;

const failed = (run: ToyRun) => [...run.checks].filter(([, ok]) => !ok).map(([name]) => name);

/** Numbers of the steps, as printed on the console. */
function stepsOf(run: ToyRun): number[] {
  return run.console.flatMap((line) => /^\[ ?(\d+)\] /.exec(line)?.[1] ?? []).map(Number);
}

const measured = (run: ToyRun) =>
  run.phases.filter(({ phase, ended }) => phase === 2 && ended).map(({ data }) => data);

describe('toy', () => {
  it('passes every check on its own machine and measures both paths', async () => {
    const run = await runToy({ args: ['path=all', 'rounds=2', 'warmup=1'] });
    expect(failed(run)).toEqual([]);
    expect([...run.checks.keys()]).toEqual([
      'environment',
      'probe-cmdqv',
      'probe-smmu',
      'hyp-own-zero',
      'tables',
      'smmu-reset',
      'cmdqv-reset',
      'page0-direct',
      'vcmdq-batches',
      'dma-copy',
      'stale-entry-used',
      'invalidate',
      'dma-faults',
      'event-record',
      'remap',
      'mixed-batch',
      'illegal-command',
      'illegal-command-recovery',
      'sync-signal',
      'live-mapping',
      'measurement',
      'no-exits-direct',
      'pasid-address-space',
      'pasid-event',
      'pasid-detach',
    ]);
    expect(stepsOf(run)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 18, 20, LAST]);
    expect(run.steps).toBe(14);
    // Path, commands per batch, p50, p99, batches, exits, doorbells: 2 rounds of 8
    // samples of 16 batches, without the warm-up round.
    expect(
      measured(run).map(([path, commands, , , batches, exits, doorbells]) => [
        path,
        commands,
        batches,
        exits,
        doorbells,
      ]),
    ).toEqual([
      [1, 1, 256, 0, 256],
      [1, 16, 256, 0, 256],
      [1, 64, 256, 0, 256],
      [0, 1, 256, 512, 0],
      [0, 16, 256, 512, 0],
      [0, 64, 256, 512, 0],
    ]);
    expect(measured(run).every(([, , p50 = 0, p99 = 0]) => p50 > 0 && p99 >= p50)).toBe(true);
  });

  it('invalidates by a TLBI of its vCPU if the SMMU participates', async () => {
    const run = await runToy({ args: ['rounds=1', 'vms=2'], btm: 'shared' });
    expect(failed(run)).toEqual([]);
    expect([...run.checks.keys()].slice(-3)).toEqual(['btm-tlbi', 'btm-aset', 'attack-btm']);
    expect(stepsOf(run).slice(-2)).toEqual([23, LAST]);
  });

  it('attacks its neighbours in six brackets when there are any', async () => {
    const run = await runToy({ args: ['path=all', 'vms=2', 'machine=1', 'rounds=1'] });
    expect(failed(run)).toEqual([]);
    expect([...run.checks.keys()].filter((name) => name.startsWith('attack-'))).toEqual([
      'attack-vmid-fields',
      'attack-sid-fields',
      'attack-cmdq',
      'attack-vintf-vmid',
      'attack-sid-pairs',
      'attack-cmdq-alloc',
    ]);
    const brackets = run.phases
      .filter(({ phase }) => phase === 1)
      .map(({ ended, data }) => (ended ? -1 : 1) * (data[0] ?? 0));
    expect(brackets).toEqual([1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6]);
  });

  it.each([
    ['trapped', [1, 2, 4, 5, 7, 8, 9, 11, 14, 18, 20, LAST], 0],
    ['direct', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, LAST], 1],
  ])('takes the steps of path=%s', async (path, steps, measuredPath) => {
    const run = await runToy({ args: [`path=${path}`, 'vms=2', 'rounds=1'] });
    expect(failed(run)).toEqual([]);
    expect(stepsOf(run)).toEqual(steps);
    expect(measured(run).map(([at]) => at)).toEqual([measuredPath, measuredPath, measuredPath]);
  });

  it('needs SubstreamIDs for its second address space', async () => {
    const run = await runToy({ args: ['rounds=1'], noSubstreams: true });
    expect(failed(run)).toEqual([]);
    expect(stepsOf(run).slice(-2)).toEqual([18, LAST]);
  });

  it.each<[what: string, options: ToyOptions, expected: string[]]>([
    ['HYP_OWN can be set', { hypervisor: true }, ['hyp-own-zero', 'cmdqv-reset']],
    ['page 0 stays trapped', { trapped: true }, ['page0-direct']],
    ['a copy that arrives is said to fault', { dmaStatus: 2 }, ['dma-copy']],
    ['the TLB holds nothing', { noTlb: true }, ['stale-entry-used']],
    ['an invalidation does nothing', { ignoreVa: true }, ['dma-faults', 'event-record']],
    ['an event says write', { eventFlip: 1n << 35n }, ['event-record']],
    ['an event says stage 2', { eventFlip: 1n << 39n }, ['event-record']],
    ['an event has another class', { eventFlip: 1n << 40n }, ['event-record']],
    ['PASIDs are not looked at', { ignorePasid: true }, ['pasid-address-space', 'pasid-event']],
    ['a TLBI of a vCPU does nothing', { btm: 'none' }, ['btm-tlbi']],
    ['a TLBI of a vCPU is an exit', { btm: 'exit' }, ['btm-tlbi', 'btm-aset']],
    ['a TLBI of a vCPU takes every CD', { btm: 'every' }, ['btm-aset']],
    ['a VCMDQ takes a CMD_SYNC of any CS', { anySignal: true }, ['sync-signal']],
    ['ATC_INV takes every StreamID', { anySid: true }, ['attack-sid-fields', 'attack-sid-pairs']],
  ])('notices when %s', async (_what, options, expected) => {
    const run = await runToy({ args: ['vms=2', 'rounds=1'], ...options });
    expect(failed(run)).toEqual(expect.arrayContaining(expected));
    expect(stepsOf(run).at(-1)).toBe(LAST);
  });

  it.each([
    ['hyp-own', [1, 2, 3, 4, 5, 6, 7, 11, LAST], 'hyp-own-zero'],
    ['stale-dma', [1, 2, 4, 5, 6, 7, 8, 11, LAST], 'dma-faults'],
    ['illegal-command', [1, 2, 4, 5, 6, 7, 10, 11, LAST], 'illegal-command-recovery'],
    ['foreign-ids', [1, 2, 4, 5, 6, 7, 11, 12, 13, LAST], 'attack-sid-fields'],
    ['compare-paths', [1, 2, 4, 5, 6, 7, 11, 18, LAST], 'no-exits-direct'],
  ])('experiment=%s is the bring-up and that one thing', async (name, steps, check) => {
    const run = await runToy({ args: [`experiment=${name}`, 'vms=2', 'rounds=1'] });
    expect(failed(run)).toEqual([]);
    expect(stepsOf(run)).toEqual(steps);
    expect(run.checks.get(check)).toBe(true);
  });

  it('keeps running with live=1, and reads characters from its console, until q', async () => {
    const run = await runToy({
      args: ['live=1', 'rounds=1'],
      input: `${'x'.repeat(40)}sdti?q`,
    });
    expect(failed(run)).toEqual([]);
    expect(run.console.some((line) => line.includes('40 beats, 0 failures, 4 event records'))).toBe(
      true,
    );
    expect(run.console.at(-1)).toMatch(/checks, 0 failed/);
    // Each trace contains: path, LVCMDQ, PROD before and after, ns, ns, batches, exits.
    const traces = run.phases
      .filter(({ phase, ended }) => phase === 3 && ended)
      .map(({ data }) => data);
    expect(traces.length).toBeGreaterThan(8);
    for (const [path, , before = 0, after = 0, , , batches = 0, exits = 0] of traces) {
      expect((after - before) & 0xff).toBe(2);
      expect(exits).toBe(path === 1 ? 0 : 2 * batches);
    }
  });
});
