// SPDX-License-Identifier: MIT
// GDB at a machine, by TCP: for Node.js alone.

import type { Socket } from 'node:net';
import { IN_NODE } from '../../assembly/in-node.ts';
import { EnvironmentError } from '../../devices/plugin/index.ts';
import { OptionsError } from './api-errors.ts';
import { connectGdb, targetOf } from './gdb.ts';
import type { Machine } from './machine.ts';
import { checkFlag, checkOptionNames } from './option-checks.ts';

/** Nobody but who is on this computer: whoever connects may do anything with the machine. */
const ADDRESS = '127.0.0.1';
const MAX_PORT = 0xffff;

/** How a server for GDB is started. */
export interface GdbServerOptions {
  /** TCP port of this computer alone; 0 takes one that is free. Default 0. */
  readonly port?: number;
  /** Halt the machine until a debugger lets it go on. Default: when a debugger connects. */
  readonly halted?: boolean;
}

/** A server that GDB connects with: `target remote :PORT`. */
export interface GdbServer {
  readonly port: number;
  /** Ends it, with the connection that there is. */
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

/** Joins a socket with the machine. */
function serve(machine: Machine, socket: Socket): void {
  socket.setNoDelay(true);
  const gdb = connectGdb(machine, (bytes) => {
    if (socket.writable) socket.write(bytes);
  });
  socket.on('data', (bytes) => {
    gdb.receive(bytes);
    if (gdb.isOver) socket.end();
  });
  // A connection that breaks is closed, too.
  socket.on('error', () => undefined);
  socket.on('close', () => gdb.close());
}

/**
 * Starts a server by which GDB debugs a machine of the board `virt`; only in Node.js. One debugger is
 * connected at a time, any other is turned away.
 * @throws {OptionsError} for the first option that is wrong.
 * @throws {UseError} when GDB cannot work the machine.
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
