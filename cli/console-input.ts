// SPDX-License-Identifier: MIT
// What is typed goes to a machine's console. On a terminal, key by key, with Ctrl-A as the way out.

/** What the input of a console is read from: standard input. */
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

/** Where what is typed leads. */
export interface ConsoleKeys {
  /** Bytes for the guest. */
  input(bytes: Uint8Array): void;
  /** No more comes. */
  end(): void;
  /** Ctrl-A X. */
  quit(): void;
  /** For the user alone. */
  say(text: string): void;
}

const CTRL_A = 0x01;
const HELP = '\r\nCtrl-A X ends the machine, Ctrl-A Ctrl-A sends Ctrl-A, Ctrl-A H shows this\r\n';

/** Takes the keys that follow Ctrl-A out of what is typed. */
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
 * Connects a stream with a console. What is no terminal is passed on as it is.
 * @returns a function that ends it.
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
