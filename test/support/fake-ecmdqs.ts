// SPDX-License-Identifier: MIT
// ECMDQs for the scripted SMMU: one control page with four queues, each with its
// handshakes. Bits are literals from IHI 0070 section 3.5.6.

import { type FakeSmmu, GERROR_IRQ, RAM_GPA_BASE, SMMU_GPA } from './fake-smmu.ts';

const EN = 0x80000000;
const ERR = 0x00800000;
export const ECMDQ_PAGE = SMMU_GPA + 0x20000;
export const ECMDQ_STRIDE = 0x4000;

export class FakeEcmdqs {
  readonly #fake: FakeSmmu;
  /** Consumed commands: "queue:opcode". */
  readonly taken: string[] = [];
  /** Opcodes that are refused as illegal. */
  readonly illegal = new Set<number>();
  /** False: EN is never acknowledged. */
  acknowledges = true;

  constructor(fake: FakeSmmu) {
    this.#fake = fake;
    fake.set(SMMU_GPA + 0x04, fake.get(SMMU_GPA + 0x04) | EN);
    fake.set(SMMU_GPA + 0x190, 0x00020000);
    fake.set(SMMU_GPA + 0x4000, 0x00020003);
    fake.set(SMMU_GPA + 0x400c, 1);
    fake.onStore = (gpa, value) => {
      const q = Math.floor((gpa - ECMDQ_PAGE) / ECMDQ_STRIDE);
      if (q >= 0 && q < 4 && (gpa - ECMDQ_PAGE) % ECMDQ_STRIDE === 8)
        this.#produced(q, value >>> 0);
    };
  }

  at(q: number, register: number): number {
    return ECMDQ_PAGE + ECMDQ_STRIDE * q + register;
  }

  #produced(q: number, prod: number): void {
    const { view } = this.#fake;
    const base = this.#fake.get(this.at(q, 0));
    const size = 2 ** (base & 31);
    let cons = this.#fake.get(this.at(q, 12));
    if (this.acknowledges) cons = ((cons & ~EN) | (prod & EN)) >>> 0;
    while (
      (cons & EN) !== 0 &&
      ((cons ^ prod) & ERR) === 0 &&
      ((cons ^ prod) & (2 * size - 1)) !== 0
    ) {
      const index = cons & (2 * size - 1);
      const op = view.getUint8(((base & ~31) >>> 0) - RAM_GPA_BASE + 16 * (index % size));
      if (this.illegal.has(op)) {
        cons = ((cons ^ ERR) & ~0x07000000) | 0x01000000;
        const gerror = this.#fake.get(SMMU_GPA + 0x60);
        if (((gerror ^ this.#fake.get(SMMU_GPA + 0x64)) & 0x200) === 0)
          this.#fake.set(SMMU_GPA + 0x60, gerror ^ 0x200);
        this.#fake.raise(GERROR_IRQ);
        break;
      }
      this.taken.push(`${q}:${op.toString(16)}`);
      cons = ((cons & ~(2 * size - 1)) | ((index + 1) % (2 * size))) >>> 0;
    }
    this.#fake.set(this.at(q, 12), cons >>> 0);
  }
}
