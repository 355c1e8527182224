// SPDX-License-Identifier: MIT
// A machine's console in a terminal of a page: xterm.js, or any object with its four
// members.

import { OptionsError } from './api-errors.ts';
import type { Machine } from './machine.ts';

/** The members of xterm.js' `Terminal` that are used. */
export interface TerminalLike {
  /** Shows output bytes. */
  write(data: Uint8Array): void;
  /** Calls the listener with typed text. */
  onData(listener: (data: string) => void): {
    /** Removes the listener. */
    dispose(): void;
  };
}

/**
 * Connects a terminal with a machine's console: output goes to the terminal, typed text
 * to the guest. A line feed from the guest also returns the carriage, as in the terminal
 * of a serial line (`convertEol: true` of xterm.js does the same, and is not needed).
 * @returns a function that disconnects them.
 * @throws {OptionsError} when it is not a terminal, or not a machine.
 *
 * @example
 * ```js
 * import { attachTerminal, Host } from 'vsmmu';
 * import { toyGuest } from 'vsmmu/guest';
 *
 * // In a page: const terminal = new Terminal() of '@xterm/xterm'.
 * const terminal = { write: (bytes) => process.stdout.write(bytes), onData: () => ({ dispose() {} }) };
 * const host = await Host.create();
 * const machine = await host.createMachine({ guest: toyGuest, args: ['rounds=1'] });
 * const detach = attachTerminal(terminal, machine);
 * await machine.boot();
 * await machine.wait();
 * detach();
 * await host.destroy();
 * ```
 */
export function attachTerminal(terminal: TerminalLike, machine: Machine): () => void {
  if (typeof terminal?.write !== 'function' || typeof terminal.onData !== 'function')
    throw new OptionsError(
      'bad-option',
      'terminal',
      'terminal must have the functions write and onData, as a Terminal of xterm.js has',
    );
  if (typeof machine?.on !== 'function' || typeof machine.write !== 'function')
    throw new OptionsError('bad-option', 'machine', 'machine must be a Machine of createMachine');
  let last = 0;
  const input: unknown = terminal.onData((data) => machine.write(data));
  const dispose = (input as { readonly dispose?: unknown } | null | undefined)?.dispose;
  if (typeof dispose !== 'function')
    throw new OptionsError(
      'bad-option',
      'terminal',
      'terminal.onData must return an object with a function dispose, as that of xterm.js does',
    );
  const unlisten = machine.on('output', (bytes) => {
    terminal.write(withReturns(bytes, last));
    last = bytes.at(-1) ?? last;
  });
  return () => {
    unlisten();
    dispose.call(input);
  };
}

const RETURN = 0x0d;
const LINE_FEED = 0x0a;

/**
 * The bytes with a carriage return inserted before each line feed without one; `before`
 * is the byte before them.
 */
function withReturns(bytes: Uint8Array, before: number): Uint8Array {
  const out: number[] = [];
  for (const [i, byte] of bytes.entries()) {
    if (byte === LINE_FEED && (i === 0 ? before : bytes[i - 1]) !== RETURN) out.push(RETURN);
    out.push(byte);
  }
  return Uint8Array.from(out);
}
