// SPDX-License-Identifier: MIT
// How a host changes the STE of a device that continues its DMA. The masks of used fields
// are derived by hand from IHI 0070 section 5.2.

import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  abortSte,
  bypassSte,
  contextDescriptor,
  invalidSte,
  nestedSte,
  PageTable,
  S1_READ_WRITE,
  stage1Ste,
  stage2Ste,
  writeCd,
} from '../../../devices/tables/index.ts';
import { HostCommandQueue } from '../../../host/kernel/host-command-queue.ts';
import { steUpdate } from '../../../host/kernel/ste-update.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { DATA_GPA, lendVm, STREAM } from '../../support/lent-vm.ts';

const S2 = { vmid: 3, ttb: 0x10000, inputBits: 48 };
const STES = {
  invalid: invalidSte(),
  abort: abortSte(),
  bypass: bypassSte(),
  'stage 1': stage1Ste({ contextPtr: 0x5000, dss: 1 }),
  'stage 2': stage2Ste(S2),
  'stage 2 with ATS': withAts(stage2Ste(S2)),
  'another stage 2': stage2Ste({ ...S2, vmid: 4, ttb: 0x20000 }),
  nested: nestedSte({ contextPtr: 0x5000, cdMax: 3 }, S2),
  'nested with ATS': nestedSte({ contextPtr: 0x5000, cdMax: 3, eats: 1 }, S2),
  'nested on other CDs': nestedSte({ contextPtr: 0x7000 }, S2),
  'nested with S1DSS 0': nestedSte({ contextPtr: 0x7000, dss: 0 }, S2),
};
type Name = keyof typeof STES;

/** EATS is [29:28] of the second doubleword. */
function withAts(ste: Uint32Array): Uint32Array {
  ste[2] = (ste[2] ?? 0) | (1 << 28);
  return ste;
}

const doublewords = (ste: Uint32Array) =>
  Array.from(
    { length: 8 },
    (_, i) => BigInt(ste[2 * i] ?? 0) | (BigInt(ste[2 * i + 1] ?? 0) << 32n),
  );

/** The effect of an entry: all fields that the SMMU uses, except MEV and EATS. */
function effect(entry: readonly bigint[]): string {
  const [first = 0n, second = 0n] = entry;
  if ((first & 1n) === 0n) return 'invalid';
  const config = Number((first >> 1n) & 7n);
  if (config < 4) return 'abort';
  const SHCFG = 0x3000_0000_0000n;
  const masks = [0xfn, config === 4 ? SHCFG : 0n, 0n, 0n];
  const use = (...more: readonly bigint[]) =>
    more.forEach((mask, i) => {
      masks[i] = (masks[i] ?? 0n) | mask;
    });
  // S1Fmt, S1ContextPtr, S1CDMax; S1DSS to S1CSH, S1STALLD, STRW; S2VMID.
  if (config === 5 || config === 7) {
    use(0xf80f_ffff_ffff_ffffn, 0xc800_00ffn, 0xffffn);
    if ((second & 3n) === 1n) use(0n, SHCFG);
  }
  // S2FWB, SHCFG; S2VMID, S2T0SZ to S2R; S2SL0[2], S2DS, S2TTB.
  if (config === 6 || config === 7)
    use(0n, 0x0200_0000n | SHCFG, 0x07ff_ffff_0000_ffffn, 0x000f_ffff_ffff_fffcn);
  return masks.map((mask, i) => ((entry[i] ?? 0n) & mask).toString(16)).join(' ');
}

describe('the steps from an STE to another', () => {
  it.each<[Name, Name, number]>([
    ['abort', 'stage 2', 2],
    ['stage 2', 'abort', 2],
    ['stage 2', 'nested', 2],
    // MEV changes first, S1DSS and similar fields after the switch.
    ['nested', 'stage 2', 3],
    ['nested', 'nested on other CDs', 1],
    ['nested', 'nested with ATS', 1],
    ['stage 2', 'stage 2 with ATS', 1],
    ['nested with ATS', 'stage 2 with ATS', 3],
    ['invalid', 'nested', 2],
    ['nested', 'invalid', 3],
    ['abort', 'invalid', 1],
    ['nested', 'nested', 0],
  ])('%s, %s: %i, none of them anything but one of the two', (from, to, count) => {
    expect(steUpdate(STES[from], STES[to])).toHaveLength(count);
    expect(effects(from, to)).toEqual(
      new Set([from, to].map((name) => effect(doublewords(STES[name])))),
    );
  });

  it.each<[Name, Name]>([
    ['stage 2', 'another stage 2'],
    ['nested', 'nested with S1DSS 0'],
    ['stage 1', 'nested'],
  ])('%s, %s: by way of an invalid one, two doublewords in use differ', (from, to) => {
    const steps = steUpdate(STES[from], STES[to]);
    expect(steps.map((step) => step[0] ?? 0).map((word) => word & 1)).toEqual([0, 0, 1]);
    expect([...effects(from, to)]).toContain('invalid');
  });

  it('end at the entry that is wanted, from every entry to every other', () => {
    const names = Object.keys(STES) as Name[];
    for (const from of names)
      for (const to of names) {
        expect(steUpdate(STES[from], STES[to]).at(-1) ?? STES[from]).toEqual(STES[to]);
        const allowed = [from, to].map((name) => effect(doublewords(STES[name])));
        for (const seen of effects(from, to))
          expect([...allowed, 'invalid'], `${from} to ${to}`).toContain(seen);
      }
  });

  /**
   * The effects that an SMMU can observe if it reads each doubleword before or after a
   * step.
   */
  function effects(from: Name, to: Name): Set<string> {
    const seen = new Set<string>();
    let before = doublewords(STES[from]);
    seen.add(effect(before));
    for (const step of steUpdate(STES[from], STES[to])) {
      const after = doublewords(step);
      for (let choice = 0; choice < 2 ** 8; choice++)
        seen.add(effect(before.map((word, i) => (choice & (1 << i) ? (after[i] ?? 0n) : word))));
      before = after;
    }
    return seen;
  }
});

describe('installSte', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('invalidates after each step, and DMA continues at every one', async () => {
    const host = await checkedHost(VmHost);
    const lent = lendVm(host);
    const { viommu, memory } = lent;
    const table = new PageTable(memory, { stage: 1 });
    table.map(DATA_GPA, DATA_GPA, 0x1000, S1_READ_WRITE);
    const [cds, others] = [memory.allocate(64, 64), memory.allocate(64, 64)] as const;
    for (const cd of [cds, others])
      writeCd(
        memory,
        cd,
        0,
        contextDescriptor({ asid: 5, outputBits: 48, lower: { ttb: table.root, inputBits: 48 } }),
      );
    const port = host.dmaPort(viommu, STREAM);
    const log: number[][] = [];
    const lost: number[] = [];
    const issue = HostCommandQueue.prototype.issue;
    vi.spyOn(HostCommandQueue.prototype, 'issue').mockImplementation(function (
      this: HostCommandQueue,
      ...commands: Uint32Array[]
    ) {
      issue.apply(this, commands);
      for (const command of commands) log.push([(command[0] ?? 0) & 0xff, command[1] ?? 0]);
      if (!port.read(DATA_GPA, new Uint8Array(1)).ok) lost.push(log.length);
    });
    const sid = viommu.streams.get(STREAM) ?? 0;
    const cfgiSte = [0x03, sid];
    const attach = (ste: Uint32Array) => {
      viommu.attachStream(STREAM, ste);
      return log.splice(0);
    };
    expect(attach(stage1Ste({ contextPtr: cds }))).toEqual([cfgiSte, cfgiSte]);
    expect(attach(stage1Ste({ contextPtr: others }))).toEqual([cfgiSte]);
    // Only the CD may have changed: a CFGI_STE of the guest.
    expect(attach(stage1Ste({ contextPtr: others }))).toEqual([cfgiSte]);
    expect(attach(bypassSte())).toEqual([cfgiSte, cfgiSte, cfgiSte]);
    expect(lost).toEqual([]);
    // EATS, which is set in a bypassing stream, is cleared first.
    expect(attach(abortSte())).toEqual([cfgiSte, cfgiSte, cfgiSte]);
    expect(lost).toEqual([2, 3]);
  });
});
