// SPDX-License-Identifier: MIT
// Names in GDB's packets: threads, numbers, actions. Each vCPU is a thread, whose number
// is the vCPU's plus 1.

import type { DebugAction, DebugStop } from '../vcpu/index.ts';

const ALL = -1;

/** A hexadecimal number of at most 64 bits; undefined when it is not one. */
export function numberOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** A length in bytes, below 4 GiB. */
export function lengthOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-f]{1,8}$/i.test(text)
    ? Number.parseInt(text, 16)
    : undefined;
}

/**
 * The vCPU of a thread; ALL for all of them, and the value of `any` when GDB accepts any.
 */
export function vcpuOf(text: string, vcpus: number, any: number): number | undefined {
  if (text === '-1') return ALL;
  if (!/^[0-9a-f]{1,4}$/i.test(text)) return undefined;
  const thread = Number.parseInt(text, 16);
  if (thread === 0) return any;
  return thread <= vcpus ? thread - 1 : undefined;
}

/** The thread of a vCPU. */
export const threadOf = (vcpu: number): string => (vcpu + 1).toString(16);

function actionOf(text: string): DebugAction | undefined {
  if (/^(c|C[0-9a-f]{2})$/i.test(text)) return { what: 'run' };
  if (/^(s|S[0-9a-f]{2})$/i.test(text)) return { what: 'step' };
  if (text === 't') return { what: 'stop' };
  const [, first, last] = /^r([0-9a-f]+),([0-9a-f]+)$/i.exec(text) ?? [];
  const [from, to] = [numberOf(first), numberOf(last)];
  return from === undefined || to === undefined ? undefined : { what: 'step', range: { from, to } };
}

/**
 * The action of each vCPU for `vCont`: the first action that applies to it, or none.
 * @param text what follows `vCont;`.
 * @param any the vCPU to use when GDB accepts any.
 * @returns undefined when the packet is invalid.
 */
export function actionsOf(text: string, vcpus: number, any: number): DebugAction[] | undefined {
  const actions: (DebugAction | undefined)[] = Array.from({ length: vcpus });
  for (const part of text.split(';')) {
    const [name = '', thread = '-1', ...more] = part.split(':');
    const action = actionOf(name);
    const vcpu = vcpuOf(thread, vcpus, any);
    if (!action || vcpu === undefined || more.length > 0) return undefined;
    for (let n = 0; n < vcpus; n++) if (vcpu === ALL || vcpu === n) actions[n] ??= action;
  }
  const all = actions.map((action) => action ?? ({ what: 'stop' } as const));
  return all.some(({ what }) => what !== 'stop') ? all : undefined;
}

const SIGINT = '02';
const SIGTRAP = '05';
const WATCHPOINTS = { write: 'watch', read: 'rwatch', any: 'awatch' } as const;

/**
 * The packet with the reason why a machine has stopped.
 * @param breakpoint the kind of breakpoint, if GDB has requested it.
 */
export function stopReply(stop: DebugStop, breakpoint: string | undefined): string {
  const thread = `thread:${threadOf(stop.vcpu)};`;
  switch (stop.why) {
    case 'halt':
      return `T${SIGINT}${thread}`;
    case 'watchpoint':
      return `T${SIGTRAP}${WATCHPOINTS[stop.accesses]}:${stop.address.toString(16)};${thread}`;
    case 'breakpoint':
      return `T${SIGTRAP}${breakpoint === undefined ? '' : `${breakpoint}:;`}${thread}`;
    default:
      return `T${SIGTRAP}${thread}`;
  }
}
