// SPDX-License-Identifier: MIT
// Where guests run and queues are drained.

import { probe } from 'vsmmu';
import type { Settings } from '../demo-settings.ts';
import type { SessionFacts } from '../protocol.ts';

/**
 * Minimum number of cores for separate threads of vCPUs: the page's, the VMM's, and
 * theirs.
 */
const SPARE_CORES = 4;

/** As requested if this page supports it, otherwise what it supports, and why. */
export async function placement(
  { transport, drain, vcpus, events }: Settings,
  isKernel: boolean,
): Promise<Omit<SessionFacts, 'clockNs' | 'traced'>> {
  const { cores, threads } = await probe();
  const recorded = events && !isKernel;
  if (recorded) {
    const note =
      'Every event is recorded: the whole machine runs inline, and its queues one command at a ' +
      'time. Exits are counted as ever.';
    const isolated = threads.available;
    return { transport: 'inline', drain: 'doorbell', isolated, recorded, note };
  }
  if (!threads.available) {
    const note =
      'The page is not cross-origin isolated: the whole machine runs inline in one worker, ' +
      'its VCMDQs are drained in the doorbell call.';
    return { transport: 'inline', drain: 'doorbell', isolated: false, recorded, note };
  }
  if (isKernel) {
    const inline = transport === 'mailbox' ? 'vCPUs of an arm64 kernel run inline, in turn.' : '';
    const note = events ? 'Events of an arm64 kernel are not recorded.' : inline;
    return { transport: 'inline', drain, isolated: true, recorded, note };
  }
  const spare = cores >= SPARE_CORES + vcpus - 1;
  const chosen = transport === 'auto' ? (spare ? 'mailbox' : 'inline') : transport;
  return { transport: chosen, drain, isolated: true, recorded, note: '' };
}
