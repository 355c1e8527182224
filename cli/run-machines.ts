// SPDX-License-Identifier: MIT
// Runs the machines of `vsmmu boot` in turn.

import { IdleWait } from '../vmm/api/idle-wait.ts';
import type { Machine } from '../vmm/api/index.ts';
import { PARTS } from '../vmm/api/machine-parts.ts';
import type { IsolationOracle } from '../vmm/report/isolation-oracle.ts';
import type { Progress } from './progress.ts';

/**
 * One step of each machine in turn, until all have ended; an attacker runs alone, so that it
 * caused every change.
 */
export async function runMachines(
  machines: readonly Machine[],
  oracle: IsolationOracle,
  progress: Progress,
): Promise<void> {
  const wait = new IdleWait();
  for (const machine of machines) {
    const parts = PARTS.get(machine);
    if (parts) parts.idleWait = wait;
  }
  while (true) {
    const running = machines.filter(({ status }) => status === 'paused');
    if (running.length === 0) return oracle.finish();
    for (const machine of running) {
      if (oracle.attacker !== undefined && oracle.attacker !== machine) continue;
      // It was stopped during the turn of another machine.
      if (machine.status !== 'paused') continue;
      oracle.runs(machine);
      await machine.step();
    }
    progress.show(machines);
    const idleMs = Math.min(
      ...running.map((machine) => PARTS.get(machine)?.board.machine.idleMs ?? 0),
    );
    if (running.every((machine) => machine.idle)) await wait.idle(idleMs);
    else await wait.busy();
  }
}
