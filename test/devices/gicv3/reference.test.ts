// SPDX-License-Identifier: MIT
// The GIC against a simple model, in random histories of two vCPUs and their devices.

import { expect, it } from 'vitest';
import * as REG from '../../../assembly/layout/gic-registers.ts';
import { Random } from '../../../devices/bus/index.ts';
import { steps } from '../../support/thorough.ts';
import { GicHarness } from './gic-harness.ts';
import { ReferenceGic } from './reference-gic.ts';

const VCPUS = 2;
/** Few enough to collide: SGIs, PPIs and SPIs. */
const INTIDS = [0, 5, 27, 30, 32, 33, 40, 63];

class History {
  readonly gic = new GicHarness(VCPUS, 32);
  readonly plain = new ReferenceGic(VCPUS, 64);
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** A bit register of an interrupt, by its offset in the distributor. */
  #bitRegister(vcpu: number, intid: number, offset: number): void {
    const bit = (1 << (intid % 32)) >>> 0;
    if (intid < 32) this.gic.setGicr(vcpu, 0x10000 + offset, bit);
    else this.gic.setGicd(offset + 4, bit);
  }

  /** One step of both. Their results must be the same. */
  step(): void {
    const { gic, plain } = this;
    const vcpu = this.#random.below(VCPUS);
    const intid = this.#random.pick(INTIDS);
    const one = plain.of(vcpu, intid);
    const own = plain.interfaces[vcpu];
    if (!own) throw new Error('no such vCPU');
    switch (this.#random.below(16)) {
      case 0:
      case 1:
      case 2:
        expect(gic.iar(vcpu)).toBe(plain.acknowledge(vcpu));
        break;
      case 3:
      case 4:
        gic.eoi(intid, vcpu);
        plain.end(vcpu, intid);
        break;
      case 5: {
        const high = this.#random.below(2) === 1;
        if (intid < 16) break;
        gic.setLine(intid, high, vcpu);
        plain.setLine(vcpu, intid, high);
        break;
      }
      case 6:
        this.#bitRegister(vcpu, intid, 0x100);
        one.enabled = true;
        break;
      case 7:
        if (this.#random.below(3) > 0) break;
        this.#bitRegister(vcpu, intid, 0x180);
        one.enabled = false;
        break;
      case 8: {
        const set = this.#random.below(2) === 1;
        this.#bitRegister(vcpu, intid, set ? 0x200 : 0x280);
        one.latch = set;
        break;
      }
      case 9: {
        const set = this.#random.below(3) === 0;
        this.#bitRegister(vcpu, intid, set ? 0x300 : 0x380);
        one.active = set;
        break;
      }
      case 10: {
        const priority = this.#random.below(8) << 5;
        if (intid < 32) gic.setGicr(vcpu, 0x10400 + intid, priority, 1);
        else gic.setGicd(0x400 + intid, priority, 1);
        one.priority = priority;
        break;
      }
      case 11: {
        if (intid < 16) break;
        const edge = this.#random.below(2) === 1;
        const shift = 2 * (intid % 16);
        const offset = 0xc00 + 4 * Math.floor(intid / 16);
        const before = intid < 32 ? gic.gicr(vcpu, 0x10000 + offset) : gic.gicd(offset);
        const word = (before & ~(2 << shift)) | (edge ? 2 << shift : 0);
        if (intid < 32) gic.setGicr(vcpu, 0x10000 + offset, word >>> 0);
        else gic.setGicd(offset, word >>> 0);
        one.edge = edge;
        break;
      }
      case 12: {
        if (intid < 32) break;
        const target = this.#random.below(3);
        gic.setGicd(0x6000 + 8 * intid, target, 8);
        one.target = target < VCPUS ? target : undefined;
        break;
      }
      case 13: {
        const enables = this.#random.below(8) === 0 ? 0 : 2;
        gic.setGicd(0, enables);
        plain.group1Enabled = enables !== 0;
        break;
      }
      case 14: {
        own.pmr = this.#random.below(32) << 3;
        own.bpr = 3 + this.#random.below(5);
        own.enabled = this.#random.below(8) > 0;
        own.eoiMode = this.#random.below(4) === 0 ? 1 : 0;
        gic.msr(vcpu, REG.ICC_PMR_EL1, own.pmr);
        gic.msr(vcpu, REG.ICC_BPR1_EL1, own.bpr);
        gic.msr(vcpu, REG.ICC_IGRPEN1_EL1, own.enabled ? 1 : 0);
        gic.msr(vcpu, REG.ICC_CTLR_EL1, 2 * own.eoiMode);
        break;
      }
      default: {
        const group1 = this.#random.below(4) > 0;
        const offset = intid < 32 ? 0x10080 : 0x84;
        const before = intid < 32 ? gic.gicr(vcpu, offset) : gic.gicd(offset);
        const bit = 1 << (intid % 32);
        const word = (group1 ? before | bit : before & ~bit) >>> 0;
        if (intid < 32) gic.setGicr(vcpu, offset, word);
        else gic.setGicd(offset, word);
        one.group1 = group1;
      }
    }
  }

  compare(): number {
    const { gic, plain } = this;
    let asserted = 0;
    for (let vcpu = 0; vcpu < VCPUS; vcpu++) {
      expect(gic.mrs(vcpu, REG.ICC_HPPIR1_EL1)).toBe(plain.highest(vcpu)?.intid ?? 1023);
      expect(gic.mrs(vcpu, REG.ICC_RPR_EL1)).toBe(plain.running(vcpu));
      expect(gic.irq(vcpu)).toBe(plain.signalled(vcpu) !== undefined);
      if (gic.irq(vcpu)) asserted++;
    }
    const pending = (all: readonly number[], vcpu: number) =>
      all.reduce((sum, intid) => {
        const one = plain.of(vcpu, intid);
        return plain.isPending(one) ? (sum | (1 << (intid % 32))) >>> 0 : sum;
      }, 0);
    expect(gic.gicr(1, 0x10200)).toBe(pending([0, 5, 27, 30], 1));
    expect(gic.gicd(0x204)).toBe(pending([32, 33, 40, 63], 0));
    return asserted;
  }
}

it('two GICs have the same results in every history', () => {
  let asserted = 0;
  const histories = steps(60, 2000);
  for (let seed = 1; seed <= histories; seed++) {
    const history = new History(seed);
    for (let i = 0; i < 300; i++) {
      history.step();
      if (i % 4 === 0) asserted += history.compare();
    }
    history.compare();
  }
  expect(asserted).toBeGreaterThan(histories * 5);
});
