// SPDX-License-Identifier: MIT
// Runs the machines of `vsmmu boot` in turn.

import { IdleWait } from '../vmm/api/idle-wait.ts';
import type { Machine } from '../vmm/api/index.ts';
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
    if (running.every((machine) => machine.idle))
      await wait.idle(Math.min(...running.map(({ untilTimerMs }) => untilTimerMs)));
    else await wait.busy();
  }
}
