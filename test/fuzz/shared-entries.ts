// SPDX-License-Identifier: MIT
// Entries of the IOTLB that two streams share, or must not share: StreamWorld, VMID,
// ASID, ASET and nG of each (IHI 0070 section 3.17). Both use the same tables, whose leaf
// changes between accesses without an invalidation. A stream may only get an earlier page
// from an entry that is its own or may be shared with it.

import {
  SMMU_AT_CR2,
  SMMU_AT_IDR0,
  SMMU_AT_IDR3,
  SMMU_AT_IDR5,
} from '../../assembly/layout/smmu-memory.ts';
import { TRANSLATE_OK } from '../../assembly/layout/translate-results.ts';
import type { Random } from '../../devices/testing/index.ts';
import { STAGE1 } from '../reference/geometries.ts';
import { E2H, HYP, IDR0, IDR1, IDR3, idr5Of, LINEAR, RECINVSID } from '../reference/judge.ts';
import { ReferenceWalker } from '../reference/reference-walker.ts';
import { levelShift, RAM_PA, Scenario } from '../reference/scenario.ts';
import { type Harness, RAM_GPA } from '../support/unit-harness.ts';
import { ensure } from './target.ts';

const NG = 1n << 11n;
const ASET = 1n << 47n;
const STEPS = 8;
const CD_SIZE = 64n;

interface Stream {
  readonly sid: number;
  readonly asid: bigint;
  readonly aset: boolean;
  readonly vmid: bigint;
  readonly el2: boolean;
}

/** A page that a stream got, and whether its leaf was global. */
interface Seen {
  readonly stream: Stream;
  readonly global: boolean;
  readonly pa: bigint;
}

/** Whether an entry of one stream may serve another one. */
function mayServe({ stream, global }: Seen, other: Stream, e2h: boolean): boolean {
  if (stream.el2 !== other.el2) return false;
  if (!stream.el2 && stream.vmid !== other.vmid) return false;
  // EL2 has no ASIDs.
  if (stream.el2 && !e2h) return true;
  return global ? stream.aset === other.aset : stream.asid === other.asid;
}

/** Makes one access by one of two streams in each step. */
export function shareEntries(h: Harness, random: Random): number {
  const stage1 = random.pick(STAGE1);
  const scenario = new Scenario({ mode: 'stage 1', stage1, stage2: stage1 });
  const leaf = scenario.slots1.get(stage1.leaf) ?? 0n;
  const e2h = random.below(2) === 1;
  const cr2 = RECINVSID | (e2h ? E2H : 0);
  const idr0 = IDR0 | HYP;
  const streams = [5, 6, 7].map(
    (sid): Stream => ({
      sid,
      asid: BigInt(1 + random.below(2)),
      aset: random.below(2) === 1,
      vmid: BigInt(7 + random.below(2)),
      el2: random.below(3) === 0,
    }),
  );
  h.set(SMMU_AT_IDR0, idr0);
  h.set(SMMU_AT_IDR3, IDR3);
  h.set(SMMU_AT_IDR5, idr5Of(scenario.shape));
  h.set(SMMU_AT_CR2, cr2);
  const write = (pa: bigint, value: bigint) => h.guestRam64(Number(pa - RAM_PA) + RAM_GPA, value);
  for (const [pa, word] of scenario.words) write(pa, word);
  const first = scenario.get(scenario.cd) & ~(0xffffn << 48n) & ~ASET;
  for (const [i, { sid, asid, aset, vmid, el2 }] of streams.entries()) {
    const cd = scenario.cd + CD_SIZE * BigInt(i);
    for (let at = 0n; at < CD_SIZE; at += 8n) write(cd + at, scenario.get(scenario.cd + at));
    write(cd, first | (asid << 48n) | (aset ? ASET : 0n));
    const [word0 = 0n, word1 = 0n] = scenario.ste;
    h.ste(sid, [word0 + CD_SIZE * BigInt(i), word1 | (el2 ? 2n << 30n : 0n), vmid]);
  }
  const smmu = {
    idr0: BigInt(idr0),
    idr1: BigInt(IDR1),
    idr3: BigInt(IDR3),
    idr5: BigInt(idr5Of(scenario.shape)),
    e2h,
    strtabBase: LINEAR.base,
    strtabCfg: BigInt(LINEAR.config),
    recinvsid: true,
  };
  const read = (pa: bigint) =>
    pa < 1n << 32n
      ? h.hostBytes.getBigUint64(h.ramBase + Number(pa), true)
      : h.guestBytes.getBigUint64(Number(pa - RAM_PA), true);
  let descriptor = scenario.get(leaf) & ~NG;
  write(leaf, descriptor);
  let seen: Seen[] = [];
  const invalidate = () => {
    // CFGI_ALL, TLBI_NSNH_ALL.
    h.mainCommand(0x04n, 31n);
    h.mainCommand(0x30n);
    seen = [];
  };
  invalidate();
  for (let step = 0; step < STEPS; step++) {
    if (random.below(8) === 0) invalidate();
    if (random.below(2) === 0) {
      descriptor ^= 1n << (levelShift(stage1.granule, stage1.leaf) + BigInt(random.below(2)));
      if (random.below(2) === 0) descriptor ^= NG;
      write(leaf, descriptor);
    }
    const stream = random.pick(streams);
    const { pa: now } = ReferenceWalker.translate(smmu, read, {
      sid: BigInt(stream.sid),
      address: scenario.address,
    });
    const { status, pa } = h.translate(stream.sid, scenario.address);
    const found = status === TRANSLATE_OK ? pa : undefined;
    const cached = seen.filter((one) => mayServe(one, stream, e2h)).map((one) => one.pa);
    ensure(found === now || cached.includes(found ?? -1n), () => {
      const text = { found, now, step, stream, streams, seen, e2h };
      return `a page of another's: ${JSON.stringify(text, (_, value: unknown) =>
        typeof value === 'bigint' ? `0x${value.toString(16)}` : value,
      )}`;
    });
    if (found !== undefined && found === now)
      seen.push({ stream, global: (descriptor & NG) === 0n, pa: found });
  }
  invalidate();
  for (const pa of scenario.words.keys()) write(pa, 0n);
  for (let at = 0n; at < 3n * CD_SIZE; at += 8n) write(scenario.cd + at, 0n);
  h.findings();
  h.events();
  return STEPS;
}
