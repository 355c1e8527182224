// SPDX-License-Identifier: MIT
// The program of a machine in a session, and its arguments.

import type { Board, MachineOptions } from 'vsmmu';
import { toyGuest, toySecondary } from 'vsmmu/guest';
import { findExperiment, toyArgs } from '../../vmm/boards/index.ts';
import { OVERLAY_MACHINE, type Settings } from '../demo-settings.ts';
import { parseLines } from '../edit/parse-lines.ts';
import type { PickedGuest } from '../protocol.ts';
import { toyFile } from './toy-files.ts';

export interface GuestPlace {
  /** Name of the machine, and its number in the session. */
  readonly name: string;
  readonly number: number;
  /** Resolution of the clock in ns. */
  readonly clockNs: number;
  /** For all but kernels: the standard board. */
  readonly board: Board;
}

type GuestOptions = Partial<MachineOptions> & { guest: URL | Uint8Array<ArrayBuffer> };

/** Arguments of every toy of a session. */
function toyArguments({ experiment: name, lines }: Settings, clockNs: number): string[] {
  const experiment = findExperiment(name);
  const rounds = experiment?.measures ? ['rounds=8', 'warmup=8'] : ['rounds=1', 'warmup=0'];
  const named = experiment ? `experiment=${experiment.name}` : 'live=1';
  const what = lines === '' ? named : `program=${parseLines(lines).program}`;
  return [...rounds, what, `clock=${clockNs}`];
}

/** @param guest undefined: the toy. */
export async function guestOptions(
  settings: Settings,
  guest: PickedGuest | undefined,
  { name, number, clockNs, board }: GuestPlace,
): Promise<GuestOptions> {
  const { path, vms, vcpus } = settings;
  if (guest?.kind === 'arm64') {
    const { kernelBoard } = await import('./kernel-board.ts');
    return {
      guest: guest.bytes,
      board: kernelBoard(guest.initrd),
      directMaps: path !== 'trapped',
    };
  }
  if (guest) return { guest: guest.bytes, board };
  const queues = 'vcmdq';
  const own =
    name === OVERLAY_MACHINE
      ? toyArgs({ path: 'overlay', queues, vms: 1, machine: 0 })
      : toyArgs({ path, queues, vms, machine: number });
  return {
    guest: toyFile(toyGuest),
    board,
    secondary: vcpus > 1 ? toyFile(toySecondary) : undefined,
    args: [...own, ...toyArguments(settings, clockNs)],
  };
}
