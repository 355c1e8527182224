// SPDX-License-Identifier: MIT
// The host in a trace from an unknown source: shown if it is a valid inspection,
// otherwise refused.

import { describe, expect, it } from 'vitest';
import { inspectionText } from '../../cli/inspect-text.ts';
import { hostInspectionOf } from '../../cli/inspection-schema.ts';
import { Host, type HostInspection } from '../../vmm/api/index.ts';

interface Forged {
  id: number;
  type: string;
  users: number;
  keeps: number[];
  details: Record<string, unknown>;
}

const object = (id: number, ...keeps: number[]): Forged => ({
  ...{ id, type: 'HWPT_PAGING', users: 2 },
  ...{ keeps, details: {} },
});

function hostOf(objects: readonly Forged[], counts: object = { events: 1 }, index: unknown = 0) {
  const viommu = {
    ...{ smmu: 0, index, vmid: 1, overlay: false, btm: false, doorbellCalls: 0 },
    ...{ streams: [], sidPairs: [], queues: [], counts, objects },
  };
  return {
    vmids: { bits: 16, pinned: 1, pinnable: 1, generation: 1 },
    ramInUse: 4096,
    smmus: [{ vintfsInUse: 0, counts: { walks: 1, events: { F_WALK_EABT: 1 } } }],
    vms: [{ name: 'vm0', window: 1, memory: 2 ** 20, references: 1, viommus: [viommu] }],
  };
}

const chain = (length: number) =>
  Array.from({ length }, (_, i) => (i === 0 ? object(1) : object(i + 1, i)));

describe('the host in a trace', () => {
  it('is shown as the host has described it', async () => {
    const host = await Host.create({});
    try {
      const said = JSON.parse(JSON.stringify(host.inspect())) as HostInspection;
      expect(hostInspectionOf(said)).toEqual(said);
    } finally {
      await host.destroy();
    }
  });

  it('has the SMMUs that machines own', () => {
    const queue = (name: string, kind: string) => ({
      ...{ name, kind, block: 5, allocated: true, entries: 256, prod: 259, cons: 2 },
      ...{
        state: 'running',
        error: 0,
        mappedAt: 0,
        commands: 258,
        syncs: 9,
        errors: 1,
        rewrites: 0,
      },
    });
    const vintf = {
      ...{ index: 2, enabled: true, vmid: 0, doorbellCalls: 7, page0: 0, sidPairs: [] },
      queues: [queue('LVCMDQ 1', 'VCMDQ with HYP_OWN')],
    };
    const own = {
      ...{ machine: 'vm0', streams: [8, 24], queues: [queue('CMDQ', 'CMDQ of the SMMU')] },
      ...{ vintfs: [vintf], counts: { illegalOpcode: 1, parks: 0, events: { F_WALK_EABT: 3 } } },
    };
    const host = { ...hostOf([]), owned: [own] };
    const found = hostInspectionOf(host);
    expect(found).toEqual(host);
    const text = found && inspectionText(found);
    const [, shown] = text?.split('└ vm0, which owns') ?? [];
    expect(shown?.split('\n')).toEqual([
      ' a physical SMMU; illegalOpcode 1; F_WALK_EABT 3',
      '  ├ StreamIDs 0x8, 0x18',
      '  ├ CMDQ (CMDQ of the SMMU): 256 entries, PROD 3 wrapped, CONS 2, running; commands 258, syncs 9, errors 1, rewrites 0',
      '  └ VINTF 2: enabled, VMID 0, 7 doorbell calls',
      '    └ LVCMDQ 1, VCMDQ 5 (VCMDQ with HYP_OWN): 256 entries, PROD 3 wrapped, CONS 2, running; commands 258, syncs 9, errors 1, rewrites 0',
      '',
    ]);
    expect(hostInspectionOf({ ...host, owned: [{ ...own, counts: {} }] })).toBeUndefined();
  });

  it('has objects in a tree', () => {
    const found = hostInspectionOf(hostOf([...chain(4), object(9, 2, 1)]));
    expect(found && inspectionText(found)).toMatch(/└ #9 HWPT_PAGING, 1 reference; keeps #1 too/);
  });

  it('drops members that no inspection has, at any depth', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) as unknown;
    const host = hostOf(chain(2));
    expect(hostInspectionOf({ ...host, deep })).toEqual(host);
  });

  it.each<[string, object]>([
    ['an object twice, one below the other', hostOf([object(1), object(2, 1), object(1, 2)])],
    ['an object twice, beside each other', hostOf([object(1), object(2, 1), object(2, 1)])],
    ['objects that keep each other', hostOf([object(1, 2), object(2, 1)])],
    ['an object that keeps itself', hostOf([object(1, 1)])],
    ['a chain of objects', hostOf(chain(20_000))],
    ['counts that are no numbers', hostOf([], { events: { toString: null } })],
    ['a number that is none', hostOf([], {}, Number.POSITIVE_INFINITY)],
    ['details that are no text', hostOf([{ ...object(1), details: { size: {} } }])],
  ])('is damaged with %s', (_, host) => {
    expect(hostInspectionOf(host)).toBeUndefined();
  });
});
