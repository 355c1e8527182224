// SPDX-License-Identifier: MIT
// A GDB server for a machine, by TCP, in Node.js only.

import type { Socket } from 'node:net';
import { IN_NODE } from '../../assembly/in-node.ts';
import { EnvironmentError } from '../../devices/plugin/index.ts';
import { OptionsError } from './api-errors.ts';
import { connectGdb, targetOf } from './gdb.ts';
import type { Machine } from './machine.ts';
import { checkFlag, checkOptionNames } from './option-checks.ts';

/** Only processes on this computer: a client can do anything with the machine. */
const ADDRESS = '127.0.0.1';
const MAX_PORT = 0xffff;

/** How to start a GDB server. */
export interface GdbServerOptions {
  /** TCP port on this computer only; 0 chooses a free one. Default 0. */
  readonly port?: number;
  /**
   * Halt the machine until a debugger resumes it. Default: halt when a debugger connects.
   */
  readonly halted?: boolean;
}

/** A server that GDB connects to: `target remote :PORT`. */
export interface GdbServer {
  readonly port: number;
  /** Closes it and the current connection. */
  close(): Promise<void>;
}

/** @throws {OptionsError} for the first option that is wrong. */
function checkOptions(options: GdbServerOptions): void {
  checkOptionNames(options, ['port', 'halted']);
  const { port = 0 } = options;
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT)
    throw new OptionsError('bad-option', 'port', `port must be an integer from 0 to ${MAX_PORT}`);
  checkFlag(options, 'halted');
}

/** Connects a socket with the machine. */
function serve(machine: Machine, socket: Socket): void {
  socket.setNoDelay(true);
  const gdb = connectGdb(machine, (bytes) => {
    if (socket.writable) socket.write(bytes);
  });
  socket.on('data', (bytes) => {
    gdb.receive(bytes);
    if (gdb.isOver) socket.end();
  });
  // A broken connection is closed too.
  socket.on('error', () => undefined);
  socket.on('close', () => gdb.close());
}

/**
 * Starts a server through which GDB debugs a machine of the board `virt`; only in
 * Node.js. One debugger can be connected at a time; others are refused.
 * @throws {OptionsError} for the first option that is wrong.
 * @throws {UseError} when GDB cannot debug the machine.
 * @throws {EnvironmentError} when there are no sockets here, or the port is in use.
 */
export async function serveGdb(
  machine: Machine,
  options: GdbServerOptions = {},
): Promise<GdbServer> {
  checkOptions(options);
  const target = targetOf(machine);
  if (!IN_NODE) throw new EnvironmentError('no-sockets', 'a server for GDB needs Node.js');
  const { createServer } = process.getBuiltinModule('node:net');
  let connected: Socket | undefined;
  const server = createServer((socket) => {
    if (connected) {
      socket.destroy();
      return;
    }
    connected = socket;
    socket.on('close', () => {
      connected = undefined;
    });
    serve(machine, socket);
  });
  const { port = 0 } = options;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `port ${port} cannot be listened on: ${cause.message}`;
      reject(new EnvironmentError('no-sockets', message, { cause }));
    });
    server.listen(port, ADDRESS, resolve);
  });
  const leave = target.expectDebugger();
  if (options.halted) target.halt();
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        leave();
        server.close(() => resolve());
        connected?.destroy();
      }),
  };
}
