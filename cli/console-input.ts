// SPDX-License-Identifier: MIT
// Sends typed input to a machine's console; on a terminal, key by key, with Ctrl-A as an escape.

/** The stream from which console input is read: standard input. */
export interface InputStream {
  readonly isTTY?: boolean | undefined;
  setRawMode?(on: boolean): unknown;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  off(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  off(event: 'end', listener: () => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** Receivers of typed input. */
export interface ConsoleKeys {
  /** Bytes for the guest. */
  input(bytes: Uint8Array): void;
  /** The input has ended. */
  end(): void;
  /** Ctrl-A X. */
  quit(): void;
  /** Text for the user, not for the guest. */
  say(text: string): void;
}

const CTRL_A = 0x01;
const HELP = '\r\nCtrl-A X ends the machine, Ctrl-A Ctrl-A sends Ctrl-A, Ctrl-A H shows this\r\n';

/** Removes and executes the keys that follow Ctrl-A. */
export function escapeKeys({
  input,
  quit,
  say,
}: Omit<ConsoleKeys, 'end'>): (bytes: Uint8Array) => void {
  let isEscaped = false;
  return (bytes) => {
    const through: number[] = [];
    for (const byte of bytes) {
      if (!isEscaped) {
        if (byte === CTRL_A) isEscaped = true;
        else through.push(byte);
        continue;
      }
      isEscaped = false;
      const key = String.fromCharCode(byte).toLowerCase();
      if (byte === CTRL_A) through.push(byte);
      else if (key === 'x') quit();
      else if (key === 'h') say(HELP);
    }
    if (through.length > 0) input(Uint8Array.from(through));
  };
}

/**
 * Connects a stream to a console. Input that is not from a terminal is passed on unchanged.
 * @returns a function that disconnects it.
 */
export function readConsole(stream: InputStream, keys: ConsoleKeys): () => void {
  const isTerminal = stream.isTTY === true;
  const listener = isTerminal ? escapeKeys(keys) : (bytes: Uint8Array) => keys.input(bytes);
  const ended = () => keys.end();
  if (isTerminal) stream.setRawMode?.(true);
  stream.on('data', listener);
  stream.on('end', ended);
  stream.resume();
  return () => {
    stream.off('data', listener);
    stream.off('end', ended);
    stream.pause();
    if (isTerminal) stream.setRawMode?.(false);
  };
}
