// SPDX-License-Identifier: MIT
// A gate that refuses the n-th allocation or memory access, and no other.

import { IommufdError, type ResourceGate } from '../../host/iommufd/index.ts';

export class FailNth {
  /** Gates passed so far. */
  passed = 0;
  /** What was refused. */
  refused: string | undefined;
  readonly #nth: number;

  constructor(nth: number) {
    this.#nth = nth;
  }

  readonly gate: ResourceGate = (resource, what) => {
    if (this.passed++ !== this.#nth) return;
    this.refused = what;
    throw new IommufdError(resource === 'allocation' ? 'ENOMEM' : 'EFAULT', `${what} refused`);
  };
}
