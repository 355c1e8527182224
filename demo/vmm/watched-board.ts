// SPDX-License-Identifier: MIT
// The standard board with counted IOTLB hits, and with a watcher if events are recorded.

import { type Board, toyBoard } from 'vsmmu';
import type { MachineWatcher } from './events/machine-watcher.ts';
import type { TlbHits } from './tlb-hits.ts';

/**
 * Machines of the standard board.
 * @param hits of all machines of the host.
 * @param watcher records one machine, to which it is attached; undefined: no events are
 *   recorded.
 */
export function watchedBoard(hits: TlbHits, watcher: MachineWatcher | undefined): Board {
  return {
    name: toyBoard.name,
    free: toyBoard.free,
    async create(options) {
      const { onTrace } = options;
      const port = hits.port();
      const board = await toyBoard.create({
        ...options,
        watch: watcher
          ? {
              call: (name, args, carryOut) => watcher.call(name, args, carryOut),
              access: (device, isWrite, access, carryOut) =>
                watcher.access(device, isWrite, access, carryOut),
              dma: (dma, carryOut) => watcher.dma(dma, () => port.dma(dma, carryOut)),
            }
          : port,
        ...(watcher && {
          onTrace(source, event) {
            onTrace?.(source, event);
            watcher.trace(source, event);
          },
        }),
      });
      port.attach(board);
      watcher?.attach(board);
      return board;
    },
  };
}
