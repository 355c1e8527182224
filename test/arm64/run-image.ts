// SPDX-License-Identifier: MIT
// A small image on the board `virt`.

import { expect } from 'vitest';
import { Host } from '../../vmm/api/index.ts';
import { type VirtBoardOptions, virtBoard } from '../../vmm/boards/virt/index.ts';

/** Turns of a machine: 2^20 instructions each. */
const TURNS = 200;

/** What an image prints until it powers off. */
export async function printedBy(
  guest: Uint8Array<ArrayBuffer>,
  options: VirtBoardOptions = {},
): Promise<string> {
  const host = await Host.create();
  try {
    const machine = await host.createMachine({
      guest,
      board: virtBoard(options),
      memory: 64,
      seed: 1,
    });
    let text = '';
    machine.on('output', (bytes) => {
      text += String.fromCharCode(...bytes);
    });
    await machine.boot({ paused: true });
    for (let turn = 0; turn < TURNS && machine.status === 'paused'; turn++) await machine.step();
    expect(machine.status, text.slice(-200)).toBe('off');
    return text;
  } finally {
    await host.destroy();
  }
}
