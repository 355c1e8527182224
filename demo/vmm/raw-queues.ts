// SPDX-License-Identifier: MIT
// PROD and CONS, bypassing every register model.

import type { Machine, QueueInspection, ViommuInspection } from 'vsmmu';
import { VCMDQ_CONS, VCMDQ_PROD, VCMDQ_STRIDE } from '../../assembly/layout/cmdqv-registers.ts';
import type { RawQueue } from '../protocol.ts';

const INDEX_AND_WRAP = 0xfffff;

/**
 * PROD and CONS from the words in guest memory to which they are mapped. CONS is stored
 * twice, for the guest and by the drain: -1 when they differ.
 */
export function rawQueues(
  machine: Machine,
  { queues, vintf, overlay }: ViommuInspection,
): RawQueue[] {
  const words = new Uint32Array(machine.memory.buffer);
  const raw = ({ name, prod, cons }: QueueInspection, prodAt?: number, consAt?: number) => {
    const queue = name.replace(/^LV/, 'V');
    if (prodAt === undefined || consAt === undefined)
      return { vm: machine.name, queue, prod, cons };
    const [own = 0, seen = 0] = [prodAt, consAt].map(
      (at) => (words[at >> 2] ?? 0) & INDEX_AND_WRAP,
    );
    return { vm: machine.name, queue, prod: own, cons: seen === cons ? cons : -1 };
  };
  const cmdqs = queues
    .filter(({ name }) => name === 'CMDQ')
    .map((cmdq) => {
      const { mappedAt } = cmdq;
      return mappedAt === 0 ? raw(cmdq) : raw(cmdq, mappedAt, mappedAt + 4);
    });
  if (overlay || !vintf) return cmdqs;
  const { page0 } = vintf;
  const own = vintf.queues.map((queue, lvcmdq) => {
    const at = page0 + lvcmdq * VCMDQ_STRIDE;
    return page0 === 0 ? raw(queue) : raw(queue, at + VCMDQ_PROD, at + VCMDQ_CONS);
  });
  return [...own, ...cmdqs];
}
