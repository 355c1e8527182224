// SPDX-License-Identifier: MIT
// A step of an experiment in words.

import type { StepPicture } from '../protocol.ts';

const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

function queueText({ name, commands, names, stopped }: StepPicture['queues'][number]): string {
  const left = commands - names.length;
  const list = [...(left > 0 ? [`${left} more`] : []), ...names].join(', ');
  const took = commands === 0 ? '' : ` took ${many(commands, 'command')} (${list})`;
  return `${name}${took}${stopped ? ', stopped at an error' : ''}`;
}

/** @param stepped the machine that took the step. */
function tlbText({ vm, filled, gone }: StepPicture['tlb'][number], stepped: string): string {
  const changes = [
    ...(filled > 0 ? [`${many(filled, 'page')} in`] : []),
    ...(gone > 0 ? [`${many(gone, 'page')} out`] : []),
  ];
  return `IOTLB${vm === stepped ? '' : ` of ${vm}`}: ${changes.join(', ')}`;
}

/** The changes by a step, in words. */
export function stepText(change: StepPicture): readonly string[] {
  const { vm, queues, tlb, records, checks, failed, exits, systemCalls } = change;
  return [
    ...queues.map(queueText),
    ...tlb.map((part) => tlbText(part, vm)),
    ...(records.length > 0 ? [`event ${records.join(', ')}`] : []),
    ...(checks > 0 ? [`${many(checks, 'check')}${failed.length > 0 ? '' : ' ok'}`] : []),
    ...failed.map((name) => `${name} FAILS`),
    `${many(exits, 'exit')}${systemCalls > 0 ? `, ${systemCalls} for the console` : ''}`,
  ];
}
