// SPDX-License-Identifier: MIT
// Explains refusals of an SMMU that its kernel owns, from the records that the core has
// written and the commands at which its queues have stopped, read from memory.

import { CERROR_ILL } from '../../assembly/layout/commands.ts';
import {
  CMDQ_ENTRY_SIZE,
  CR0_SMMUEN,
  CR2_E2H,
  EVENTQ_ENTRY_SIZE,
  SMMU_CR2,
} from '../../assembly/layout/smmu-registers.ts';
import { STE_SIZE } from '../../assembly/layout/ste.ts';
import { bitsOf, type GuestMemory } from '../plugin/index.ts';
import { guestStructure } from '../tables/guest-structure.ts';
import type { QueueBlock } from '../unit/index.ts';
import type { SmmuIdRegisters } from './id-registers.ts';
import { RefusalWatch, type SmmuRefusal } from './refusal-watch.ts';
import type { SmmuRegisters } from './register-rules.ts';
import { locateSte } from './stream-table/locate-ste.ts';
import { queueIndex } from './table-shapes.ts';

export class PhysicalRefusals {
  readonly #registers: SmmuRegisters;
  readonly #memory: GuestMemory;
  readonly #watch: RefusalWatch;
  /** EVENTQ_PROD of the last record that was explained. */
  #seen = 0;

  /** @param memory contains tables, records and commands, by PA. */
  constructor(
    ids: SmmuIdRegisters,
    registers: SmmuRegisters,
    memory: GuestMemory,
    onRefusal: (refusal: SmmuRefusal) => void,
  ) {
    this.#registers = registers;
    this.#memory = memory;
    this.#watch = new RefusalWatch({
      shown: ids,
      physical: ids,
      own: { e2h: () => bitsOf(registers.get(SMMU_CR2), CR2_E2H) !== 0 },
      smmuEnabled: () => registers.enabled(CR0_SMMUEN),
      streamTable: () => registers.streamTable(),
      steOf: (sid) => {
        const address = locateSte(registers.streamTable(), sid, (at) => memory.load64(at));
        return typeof address === 'number' ? guestStructure(memory, address, STE_SIZE) : undefined;
      },
      onRefusal,
    });
  }

  /** Restarts at the records from `prod` on. */
  place(prod: number): void {
    this.#seen = prod;
  }

  reset(): void {
    this.#seen = 0;
    this.#watch.reset();
  }

  /** Explains the records up to `prod`, if they have not been overwritten. */
  events(prod: number): void {
    const { base, log2size } = this.#registers.eventQueue();
    const end = queueIndex(prod, log2size);
    const entries = 2 ** log2size;
    const fresh = Math.min(queueIndex(end - this.#seen, log2size), entries);
    for (let left = fresh; left > 0; left--) {
      const at = base + (queueIndex(end - left, log2size) % entries) * EVENTQ_ENTRY_SIZE;
      const record = guestStructure(this.#memory, at, EVENTQ_ENTRY_SIZE);
      if (record) this.#watch.see(record, this.#memory);
    }
    this.#seen = end;
  }

  /**
   * Called after a queue was served: explains an illegal command at which it has stopped.
   * @param base of its ring.
   */
  command(queue: string, block: QueueBlock, base: number): void {
    if (block.error !== CERROR_ILL) return;
    const at = base + (block.cons % 2 ** block.log2size) * CMDQ_ENTRY_SIZE;
    const words = guestStructure(this.#memory, at, CMDQ_ENTRY_SIZE);
    if (words) this.#watch.seeCommand({ queue, words, stream: false });
  }
}
