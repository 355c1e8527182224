// SPDX-License-Identifier: MIT
// GDB over TCP, from this computer only.

import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { toyGuest } from '../../guest-driver/index.ts';
import {
  connectGdb,
  EnvironmentError,
  type GdbServer,
  Host,
  type Machine,
  OptionsError,
  serveGdb,
  UseError,
  virtBoard,
} from '../../vmm/api/index.ts';
import { HELLO } from '../vmm/boards/virt/virt-programs.ts';

const open: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function hello(): Promise<Machine> {
  const host = await Host.create();
  open.push(() => host.destroy());
  return host.createMachine({ guest: HELLO, board: virtBoard(), memory: 64 });
}

async function serve(machine: Machine, options = {}): Promise<GdbServer> {
  const server = await serveGdb(machine, options);
  open.push(() => server.close());
  return server;
}

/** A connection, and the data received on it. */
async function client({ port }: GdbServer) {
  const socket: Socket = connect(port, '127.0.0.1');
  let text = '';
  let closed = false;
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  socket.on('close', () => {
    closed = true;
  });
  open.push(() => socket.destroy());
  await new Promise((resolve) => {
    socket.once('connect', resolve);
  });
  const until = async (condition: () => boolean) => {
    for (let i = 0; i < 2000 && !condition(); i++)
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    return text;
  };
  return {
    socket,
    receive: (end: string) => until(() => text.includes(end)),
    closed: () => until(() => closed).then(() => closed),
  };
}

describe('a server for GDB', () => {
  it('makes a machine wait at its first instruction, and transports packets', async () => {
    const machine = await hello();
    let output = '';
    machine.on('output', (bytes) => {
      output += new TextDecoder().decode(bytes);
    });
    const server = await serve(machine, { halted: true });
    expect(server.port).toBeGreaterThan(0);
    await machine.boot();
    const gdb = await client(server);
    gdb.socket.write('$?#3f');
    expect(await gdb.receive(';#')).toMatch(/^\+\$T05thread:1;#/);
    expect([machine.status, output]).toEqual(['running', '']);
    gdb.socket.write('$c#63');
    expect(await gdb.receive('$W00#b7')).toContain('$W00#b7');
    expect(output).toBe('hello\n');
  });

  it('accepts one debugger at a time, and another one after it', async () => {
    const machine = await hello();
    const server = await serve(machine, { halted: true });
    await machine.boot();
    const first = await client(server);
    const second = await client(server);
    expect(await second.closed()).toBe(true);
    first.socket.write('$qC#b4');
    await first.receive('$QC1#c5');
    first.socket.destroy();
    // Without a debugger the machine continues.
    expect(await machine.wait()).toMatchObject({ status: 'off' });
    const third = await client(server);
    third.socket.write('$?#3f');
    await third.receive('$W00#b7');
  });

  it('ends a connection that has detached', async () => {
    const machine = await hello();
    const server = await serve(machine, { halted: true });
    await machine.boot();
    const gdb = await client(server);
    gdb.socket.write('$D#44');
    expect(await gdb.closed()).toBe(true);
    expect(await machine.wait()).toMatchObject({ status: 'off' });
  });

  it('refuses a port that is in use, invalid options, machines of other boards', async () => {
    const machine = await hello();
    const { port } = await serve(machine);
    await expect(serveGdb(machine, { port })).rejects.toThrow(EnvironmentError);
    await expect(serveGdb(machine, { port: 65_536 })).rejects.toThrow(OptionsError);
    await expect(serveGdb(machine, { ports: 1 } as never)).rejects.toThrow(OptionsError);
    const host = await Host.create();
    open.push(() => host.destroy());
    const toy = await host.createMachine({ guest: toyGuest });
    await expect(serveGdb(toy)).rejects.toThrow(UseError);
    expect(() => connectGdb(toy, () => undefined)).toThrow(UseError);
  });
});
