// SPDX-License-Identifier: MIT
// The registers of an SMMU's CMDQ: CMDQ_BASE, PROD and CONS, CR0.CMDQEN, GERROR.CMDQ_ERR
// (IHI 0070 sections 3.5 and 7.1).

import {
  CMDQ_CONS_ERR,
  CR0_CMDQEN,
  GERROR_CMDQ_ERR,
  Q_INDEX,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_PROD,
} from '../../../assembly/layout/smmu-registers.ts';
import { bitsOf, withBits } from '../../plugin/index.ts';
import type { SmmuRegisters } from '../register-rules.ts';
import type { CommandQueueRegisters } from './command-queue.ts';

export function mainQueue(registers: SmmuRegisters): CommandQueueRegisters {
  return {
    get enabled() {
      return registers.enabled(CR0_CMDQEN);
    },
    get ring() {
      return registers.commandQueue();
    },
    get prod() {
      return registers.get(SMMU_CMDQ_PROD);
    },
    set prod(prod) {
      registers.set(SMMU_CMDQ_PROD, bitsOf(prod, Q_INDEX));
    },
    get cons() {
      return registers.get(SMMU_CMDQ_CONS);
    },
    get failed() {
      return registers.errorActive(GERROR_CMDQ_ERR);
    },
    get error() {
      return bitsOf(registers.get(SMMU_CMDQ_CONS), CMDQ_CONS_ERR);
    },
    setCons(index, error) {
      const cons = withBits(registers.get(SMMU_CMDQ_CONS), Q_INDEX, index);
      registers.set(SMMU_CMDQ_CONS, error ? withBits(cons, CMDQ_CONS_ERR, error) : cons);
    },
    report: () => registers.raiseError(GERROR_CMDQ_ERR),
    get msiBits() {
      return registers.msiBits;
    },
    signalSync: (addressLo, addressHi, data) => registers.signalSync(addressLo, addressHi, data),
  };
}
