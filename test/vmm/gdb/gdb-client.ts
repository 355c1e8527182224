// SPDX-License-Identifier: MIT
// The other end of the protocol: a debugger that sends packets, and reads the replies.

import { connectGdb, type GdbConnection, Host, type Machine } from '../../../vmm/api/index.ts';
import { virtBoard } from '../../../vmm/boards/virt/index.ts';
import { bytesOf, bytesOfHex, hexOf, packetOf, textOf } from '../../../vmm/gdb/packet-reader.ts';

/** One for all: a session depends only on its machine. */
let host: Promise<Host> | undefined;

/** Turns of a machine until it has stopped. */
const TURNS = 100;

/**
 * A machine `virt` with a debugger attached, which is halted at its first instruction.
 */
export class GdbClient {
  readonly machine: Machine;
  output = '';
  #gdb: GdbConnection;
  #received = '';

  private constructor(machine: Machine) {
    this.machine = machine;
    machine.on('output', (bytes) => {
      this.output += textOf(bytes);
    });
    this.#gdb = this.#connected();
  }

  #connected(): GdbConnection {
    return connectGdb(this.machine, (bytes) => {
      this.#received += textOf(bytes);
    });
  }

  /** The connection of the debugger that connected last. */
  get gdb(): GdbConnection {
    return this.#gdb;
  }

  /** The debugger disconnects, and another one connects, which halts the machine again. */
  reconnect(): void {
    this.#gdb.close();
    this.#gdb = this.#connected();
    this.ask('QStartNoAckMode');
  }

  static async create(
    guest: Uint8Array<ArrayBuffer>,
    { vcpus = 1, translate = false } = {},
  ): Promise<GdbClient> {
    host ??= Host.create();
    const machine = await (await host).createMachine({
      guest,
      board: virtBoard({ translate }),
      memory: 16,
      seed: 1,
      vcpus,
    });
    const client = new GdbClient(machine);
    await machine.boot({ paused: true });
    client.ask('QStartNoAckMode');
    return client;
  }

  /** Received data that has not been read yet. */
  take(): string {
    const received = this.#received;
    this.#received = '';
    return received;
  }

  send(text: string): void {
    this.gdb.receive(packetOf(text));
  }

  /** The data of the reply packets, in order. */
  askAll(text: string): string[] {
    this.take();
    this.send(text);
    return [...this.take().matchAll(/\$([^#]*)#[0-9a-f]{2}/g)].map(([, data]) => data ?? '');
  }

  /** The data of the reply packet. */
  ask(text: string): string {
    return this.askAll(text).join('\n');
  }

  /** Resumes the machine and runs it until it stops. Returns the stop reply. */
  resume(text: string, turns = TURNS): Promise<string> {
    this.take();
    this.send(text);
    return this.stop(turns);
  }

  /** Runs the machine until there is a stop reply. */
  async stop(turns = TURNS): Promise<string> {
    let received = this.take();
    for (let turn = 0; turn < turns && received === ''; turn++) {
      if (this.machine.status !== 'paused') break;
      await this.machine.step();
      received += this.take();
    }
    return received.replace(/^\$([^#]*)#..$/, '$1');
  }

  /** The target description, in parts as received. */
  description(length = 0xffb): string {
    let xml = '';
    while (true) {
      const place = `${xml.length.toString(16)},${length.toString(16)}`;
      const part = this.ask(`qXfer:features:read:target.xml:${place}`);
      xml += part.slice(1);
      if (!part.startsWith('m')) return xml;
    }
  }

  register(name: string): bigint {
    const xml = this.description();
    const [, number] = new RegExp(`name="${name}" [^>]*regnum="(\\d+)"`).exec(xml) ?? [];
    const bytes = bytesOfHex(this.ask(`p${Number(number).toString(16)}`)) ?? new Uint8Array();
    return BigInt(`0x${hexOf([...bytes].reverse())}`);
  }

  get pc(): number {
    return Number(this.register('pc'));
  }

  memory(address: number, length: number): string {
    return this.ask(`m${address.toString(16)},${length.toString(16)}`);
  }

  /** The output of a `monitor` command. */
  monitor(command: string): string {
    const packets = this.askAll(`qRcmd,${hexOf(bytesOf(command))}`);
    const hex = packets.slice(0, -1).map((packet) => packet.slice(1));
    return textOf(bytesOfHex(hex.join('')) ?? new Uint8Array());
  }

  async end(): Promise<void> {
    await this.machine.destroy();
  }
}
