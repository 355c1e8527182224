// SPDX-License-Identifier: MIT
// Why commands of a guest's queues were CERROR_ILL: on its CMDQ, an ECMDQ, a VCMDQ.

import { expect, it } from 'vitest';
import { CMDQ_ENTRY_SIZE } from '../../../assembly/layout/smmu-registers.ts';
import {
  attachDevices,
  BackgroundLoops,
  guestMemoryOf,
  SYSTEM_CLOCK,
} from '../../../devices/bus/index.ts';
import {
  GUEST_ID_REGISTERS,
  type SmmuRefusal,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import { atcInv, cfgiSte, sync, writeCommand } from '../../../devices/tables/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { idleDirectMaps } from '../../support/idle-direct-maps.ts';
import { lendVm, sendOnCmdq, sendOnVcmdq, startVcmdq } from '../../support/lent-vm.ts';

async function machine() {
  const told: SmmuRefusal[] = [];
  const host = await checkedHost(VmHost);
  const lent = lendVm(host);
  const smmu = new VirtualSmmu({
    backend: lent.viommu,
    idRegisters: GUEST_ID_REGISTERS,
    onRefusal: (refusal) => told.push(refusal),
  });
  attachDevices([{ device: smmu, addresses: [0x09050000], firstIrq: 0 }], {
    memory: guestMemoryOf(lent.vm.memory, lent.vm.regions),
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    directMaps: idleDirectMaps(lent.vm.memory),
    background: new BackgroundLoops(),
    clock: SYSTEM_CLOCK,
  });
  return { host, lent, told };
}

it('on the CMDQ', async () => {
  const { lent, told } = await machine();
  sendOnCmdq(lent, sync(), Uint32Array.of(0x28, 0, 0, 0));
  expect(told).toEqual([
    {
      event: 'CERROR_ILL',
      queue: 'CMDQ',
      text: 'Opcode = 0x28, TLBI_S12_VMALL, but IDR0.S2P = 0',
      section: '4.4',
    },
  ]);
});

it('on an ECMDQ', async () => {
  const { lent, told } = await machine();
  const [queue] = lent.viommu.enhancedQueues;
  if (!queue) throw new Error('no ECMDQ');
  const ring = lent.memory.allocate(16 * CMDQ_ENTRY_SIZE, 16 * CMDQ_ENTRY_SIZE);
  writeCommand(lent.memory, ring, 0, Uint32Array.of(0x3046, 0, 0, 0));
  queue.setRing(ring, 4);
  queue.block.allocated = true;
  queue.block.prod = 1;
  queue.serve();
  expect(told.map(({ queue: name, text }) => [name, text])).toEqual([
    ['ECMDQ', 'CMD_SYNC.CS = 3 is reserved'],
  ]);
});

it('on a VCMDQ, once for each reason', async () => {
  const { host, lent, told } = await machine();
  for (const command of [cfgiSte(8), cfgiSte(8), atcInv({ streamId: 77, address: 0, size: 0 })]) {
    startVcmdq(lent);
    sendOnVcmdq(lent, sync(), command);
    host.service(false);
    lent.vintf.freeQueue(0);
  }
  expect(told.map(({ queue, text }) => [queue, text])).toEqual([
    ['VCMDQ 0', 'Opcode = 0x3, CFGI_STE, is not for a VCMDQ with VINTF_CONFIG.HYP_OWN = 0'],
    ['VCMDQ 0', 'ATC_INV.StreamID = 0x4d is not a stream of this guest'],
  ]);
});
