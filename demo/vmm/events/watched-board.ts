// SPDX-License-Identifier: MIT
// The standard board with somebody watching.

import { type Board, toyBoard } from 'vsmmu';
import type { MachineWatcher } from './machine-watcher.ts';

/** Machines of the standard board, which the watcher is attached to. One watcher for each machine. */
export function watchedBoard(watcher: MachineWatcher): Board {
  return {
    name: toyBoard.name,
    free: toyBoard.free,
    async create(options) {
      const { onTrace } = options;
      const board = await toyBoard.create({
        ...options,
        watch: watcher,
        onTrace(source, event) {
          onTrace?.(source, event);
          watcher.trace(source, event);
        },
      });
      watcher.attach(board);
      return board;
    },
  };
}
