// SPDX-License-Identifier: MIT
// The arm64 toy on a machine: its checks pass, and fail when a part of it is wrong.

import { describe, expect, it } from 'vitest';
import {
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PHASE_MEASURE,
} from '../../assembly/layout/checkpoint-registers.ts';
import { Checkpoint } from '../../devices/checkpoint/index.ts';
import { contextDescriptor, stage1Ste } from '../../devices/tables/index.ts';
import {
  contextWords,
  STE_ATTRIBUTES,
  STE_STAGE1,
} from '../../guest-driver/arm64-toy/a64-formats.ts';
import { CONTEXT, TABLES } from '../../guest-driver/arm64-toy/a64-places.ts';
import {
  ARM64_EXPERIMENTS,
  type Arm64ToyOptions,
  arm64ToySource,
} from '../../guest-driver/arm64-toy/a64-toy.ts';
import { Host, type MachineOptions, virtBoard } from '../../vmm/api/index.ts';
import { EXPERIMENTS } from '../../vmm/boards/index.ts';
import { assembleProgram } from '../../vmm/vcpu/arm64/index.ts';

const BOTH: Arm64ToyOptions = { paths: ['direct', 'trapped'], rounds: 1 };

/** 50,000,000. */
const LOOKS = 'movz w8, #61568\nmovk w8, #762, lsl #16';

interface Outcome {
  readonly checks: ReadonlyMap<string, boolean>;
  readonly output: string;
  readonly end: string;
  readonly exits: Readonly<Record<string, number>>;
  /** Payloads at the ends of measurements. */
  readonly rows: readonly (readonly number[])[];
}

async function run(source: string, options: Partial<MachineOptions> = {}): Promise<Outcome> {
  const checks = new Map<string, boolean>();
  const rows: (readonly number[])[] = [];
  const checkpoint = new Checkpoint({
    onPhase: (phase, ended, data) => {
      if (phase === CHECKPOINT_PHASE_MEASURE && ended) rows.push(data);
    },
    onResult: (name, ok) => checks.set(name, ok),
  });
  const host = await Host.create();
  try {
    const machine = await host.createMachine({
      guest: assembleProgram(source),
      board: virtBoard({ translate: false }),
      memory: 16,
      devices: [checkpoint],
      ...options,
    });
    let output = '';
    machine.on('output', (bytes) => {
      output += new TextDecoder().decode(bytes);
    });
    await machine.boot({ signal: AbortSignal.timeout(60_000) });
    const { status } = await machine.wait();
    return { checks, output, end: status, exits: machine.statistics.exits.byRegister, rows };
  } finally {
    await host.destroy();
  }
}

const failed = ({ checks }: Outcome) => [...checks].filter(([, ok]) => !ok).map(([name]) => name);

/** The source with a replacement for a text that occurs a given number of times. */
function changed(options: Arm64ToyOptions, text: string, instead: string, times: number): string {
  const parts = arm64ToySource(options).split(text);
  expect(parts).toHaveLength(times + 1);
  // It need not wait as long for an interrupt as a toy whose devices are on other
  // threads.
  return parts.join(instead).replaceAll(LOOKS, 'movz w8, #1000');
}

describe('the arm64 toy', { timeout: 60_000 }, () => {
  it('brings up GIC, ITS, SMMU and CMDQV, and unmaps without an exit', async () => {
    const outcome = await run(arm64ToySource(BOTH));
    expect([outcome.end, failed(outcome)]).toEqual(['off', []]);
    expect([...outcome.checks.keys()].join(' ')).toBe(
      'environment probe-cmdqv probe-smmu hyp-own-zero tables its smmu-reset cmdqv-reset ' +
        'vcmdq-batches dma-copy dma-msi stale-entry-used invalidate dma-faults event-record remap ' +
        'mixed-batch illegal-command illegal-command-recovery sync-signal live-mapping ' +
        'attack-vmid-fields attack-sid-fields attack-cmdq attack-vintf-vmid attack-sid-pairs ' +
        'attack-cmdq-alloc measurement pasid-address-space pasid-event pasid-detach ' +
        'atc-invalidate sync-waits atc-detach',
    );
    expect(outcome.output).toContain('       34 checks, 0 failed\n');
    expect(outcome.output).toMatch(/event 0x10 sid 0x8 iova 0x100000000 read stage 1 class 2$/m);
    expect(outcome.output).toContain('cmdqv-reset: VINTF 0 with 2 VCMDQs of 256 entries');
    // Three sizes of 16 batches, the attack on the CMDQ, configuration: of the bring-up,
    // of the mixed batch, and of five changes of the stream and one CD.
    expect(outcome.exits['smmuv3.CMDQ_PROD']).toBe(3 * 16 + 227 + 5 + 4 * 3 + 1);
    expect(Object.keys(outcome.exits).filter((name) => /VCMDQ.*(PROD|CONS)/.test(name))).toEqual(
      [],
    );
  });

  it('works without a CMDQV, on the overlay path', async () => {
    const source = arm64ToySource({ paths: ['trapped'], rounds: 1 });
    const outcome = await run(source, { overlay: true });
    expect([outcome.end, failed(outcome), outcome.checks.size]).toEqual(['off', [], 22]);
    // Writes of its reset, before there is an overlay.
    expect(outcome.exits['smmuv3.CMDQ_PROD'] ?? 0).toBeLessThanOrEqual(1);
  });

  it('finds that an invalidation was forgotten', async () => {
    // ASID 2 in TLBI_NH_VA and TLBI_NH_ASID.
    const outcome = await run(changed(BOTH, 'movk x0, #1, lsl #48', 'movk x0, #2, lsl #48', 20));
    expect([outcome.end, failed(outcome)]).toEqual([
      'off',
      ['dma-faults', 'event-record', 'atc-invalidate'],
    ]);
  });

  it('measures with three vCPUs at once, of which two share a VCMDQ', async () => {
    const source = arm64ToySource({ paths: ['direct'], rounds: 2, vcpus: 3 });
    const outcome = await run(source, { vcpus: 3 });
    expect([outcome.end, failed(outcome)]).toEqual(['off', []]);
    expect(outcome.checks.get('parallel')).toBe(true);
    expect(outcome.output).toContain('parallel: all vCPUs at once, 2 queues');
    expect(
      outcome.rows.slice(6).map(([path, size, , , , , , vcpus]) => [path, size, vcpus]),
    ).toEqual([1, 16, 64, 1, 16, 64].map((size) => [CHECKPOINT_PATH_DIRECT, size, 3]));
    expect(Object.keys(outcome.exits).filter((name) => /VCMDQ.*(PROD|CONS)/.test(name))).toEqual(
      [],
    );
  });

  it('has the experiments of the toy guest, but for those about BTM', () => {
    const others = EXPERIMENTS.filter((one) => !('host' in one && one.host.btm));
    expect(ARM64_EXPERIMENTS).toEqual(others.map(({ name }) => name));
  });

  it.each(
    EXPERIMENTS.flatMap(({ name, checks }) =>
      ARM64_EXPERIMENTS.filter((one) => one === name).map((one) => [one, checks] as const),
    ),
  )('experiment: %s', async (experiment, checks) => {
    const outcome = await run(arm64ToySource({ ...BOTH, experiment }));
    expect([outcome.end, failed(outcome)]).toEqual(['off', []]);
    // The host adds this one.
    const own = checks.filter((name) => name !== 'no-exits-direct');
    expect([...outcome.checks.keys()]).toEqual(expect.arrayContaining(own));
    // The bring-up, the experiment's own checks and those of its steps.
    expect(outcome.checks.size).toBeLessThan(18);
  });

  it('finds that a forgotten invalidation was not forgotten', async () => {
    // TLBI_NH_ASID before the CMD_SYNC.
    const source = arm64ToySource({ ...BOTH, experiment: 'forget-tlbi' });
    const sync = 'str x8, [x10, #0]\nadd x9, x26, #256\nbl complete\n';
    const [before, after] = source.split(sync);
    expect(after).toBeDefined();
    const invalidated = `${sync.replace('bl complete\n', 'movz x0, #0x11\nmovk x0, #1, lsl #48\nmov x1, #0\nbl put_command\nbl complete\n')}`;
    const outcome = await run(`${before}${invalidated}${after}`);
    expect([outcome.end, failed(outcome)]).toEqual(['off', ['forgotten-invalidation']]);
  });

  it('does not claim that a command was skipped of which no error was reported', async () => {
    // TLBI_NH_ASID instead of the illegal CFGI_ALL.
    const queue = 'add x9, x26, #256\n\n';
    const legal = 'movz x0, #17\nmovk x0, #1, lsl #48\nmovz x1, #0';
    const options = { paths: ['direct'], rounds: 1 } as const;
    const outcome = await run(
      changed(options, `${queue}movz x0, #4\nmovz x1, #31`, `${queue}${legal}`, 1),
    );
    const { end, output } = outcome;
    expect([end, failed(outcome)]).toEqual([
      'off',
      ['illegal-command', 'illegal-command-recovery'],
    ]);
    expect(output).toMatch(/illegal-command: CFGI_ALL on the VCMDQ: no error was reported$/m);
    expect(output).toMatch(/illegal-command-recovery: no error to acknowledge$/m);
  });

  it('finds that a secondary vCPU does not start', async () => {
    // The machine has one vCPU.
    const source = arm64ToySource({ paths: ['direct'], rounds: 1, vcpus: 2 });
    const outcome = await run(source);
    expect([outcome.end, failed(outcome)]).toEqual(['off', ['parallel']]);
  });

  it('finds that a message went elsewhere', async () => {
    // EventID 2, which has no mapping.
    const options = { paths: ['direct'], rounds: 1 } as const;
    const outcome = await run(
      changed(options, 'movz w8, #1\nstr w8, [x23, #32]', 'movz w8, #2\nstr w8, [x23, #32]', 1),
    );
    expect([outcome.end, failed(outcome)]).toEqual(['off', ['dma-msi']]);
  });

  it('ends after an unexpected exception', async () => {
    const source = arm64ToySource(BOTH).replace('adr x0, text0', 'hlt #0');
    const outcome = await run(source);
    expect([outcome.end, failed(outcome)]).toEqual(['off', ['unexpected exception']]);
    expect(outcome.output).toMatch(/unexpected exception: ESR 0x2000000, ELR 0x40080[0-9a-f]{3}$/m);
  });

  it('has CD and STE as other software writes them', () => {
    const wide = (words: Uint32Array) =>
      Array.from(
        { length: words.length / 2 },
        (_, i) => (BigInt(words[2 * i + 1] ?? 0) << 32n) | BigInt(words[2 * i] ?? 0),
      );
    const cd = wide(contextDescriptor({ asid: 1, lower: { ttb: TABLES, inputBits: 39 } }));
    expect(contextWords()[1]).toBe(cd[1]);
    const ste = wide(stage1Ste({ contextPtr: CONTEXT }));
    expect([STE_STAGE1, STE_ATTRIBUTES & 3n]).toEqual([ste[0], (ste[1] ?? 0n) & 3n]);
  });
});
