// SPDX-License-Identifier: MIT
// The ID registers that a guest's SMMU shows, which limit the commands that it accepts.

import { OP_TLBI_NH_VAA, TLBI_TG } from '../../assembly/layout/commands.ts';
import { LACKS_RECORDED } from '../../assembly/layout/context-memory.ts';
import { IDR3_RIL } from '../../assembly/layout/smmu-registers.ts';
import { bitsOf, setField, withBits } from '../../devices/plugin/index.ts';
import type { SmmuIdRegisters } from '../../devices/smmuv3/index.ts';
import { ContextBlock, lackedBy } from '../../devices/unit/index.ts';
import type { HwInfo } from '../../host/iommufd/index.ts';
import type { BeyondShown } from '../inspect/index.ts';

/**
 * ID registers in struct iommu_hw_info_arm_smmuv3: flags and a reserved word, IDR0 to
 * IDR5, IIDR, AIDR.
 */
export function idRegistersOf({ bytes }: HwInfo): SmmuIdRegisters {
  const [, , idr0 = 0, idr1 = 0, idr2 = 0, idr3 = 0, idr4 = 0, idr5 = 0, iidr = 0, aidr = 0] =
    new Uint32Array(bytes.slice().buffer);
  return { idr0, idr1, idr2, idr3, idr4, idr5, iidr, aidr };
}

export class ShownIds {
  readonly #own: ContextBlock;
  readonly #vintf: ContextBlock | undefined;
  #ranges = true;

  /**
   * @param own the vIOMMU's command context.
   * @param numbers of the SMMU, of the vIOMMU, and of its VINTF if it has one.
   */
  constructor(own: ContextBlock, hostMemory: WebAssembly.Memory, numbers: readonly number[]) {
    const [smmuIndex = 0, , vintf] = numbers;
    this.#own = own;
    this.#vintf = vintf === undefined ? undefined : new ContextBlock(hostMemory, smmuIndex, vintf);
  }

  /** From now on the guest's own queues also refuse what these registers lack. */
  show(ids: SmmuIdRegisters): void {
    const lacks = lackedBy(ids);
    this.#ranges = bitsOf(ids.idr3, IDR3_RIL) !== 0;
    this.#own.lacks = lacks;
    this.#own.show(ids);
    // A VCMDQ depends on the physical registers: what the guest's registers lack is
    // reported (docs/sanitizer.md).
    if (this.#vintf) this.#vintf.lacks = withBits(lacks, LACKS_RECORDED, 1);
  }

  /** Features that the guest has used although its own SMMU does not advertise them. */
  get beyond(): BeyondShown {
    const { beyondCds, beyondTables } = this.#own;
    return { commands: this.#vintf?.beyond ?? 0, cds: beyondCds, tables: beyondTables };
  }

  /**
   * Adapts a command of an overlaid CMDQ that no HW queue accepts for the kernel's queue,
   * which depends on the physical registers only.
   */
  asShown(command: Uint8Array): Uint8Array {
    if (this.#ranges || command[0] !== OP_TLBI_NH_VAA) return command;
    const words = new Uint32Array(command.slice().buffer);
    setField(words, TLBI_TG, 0);
    return new Uint8Array(words.buffer);
  }
}
