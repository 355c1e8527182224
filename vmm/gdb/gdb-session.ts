// SPDX-License-Identifier: MIT
// A debugger's session with a machine: the GDB Remote Serial Protocol (GDB manual,
// appendix E), all-stop, over any transport. Every packet is answered or refused; nothing
// throws.

import type { AddressSpace, DebugAction, DebugStop, DebugTarget } from '../vcpu/index.ts';
import { actionsOf, lengthOf, numberOf, stopReply, threadOf, vcpuOf } from './gdb-packets.ts';
import {
  ACKNOWLEDGED,
  bytesOf,
  bytesOfHex,
  hexOf,
  MAX_PACKET,
  NOT_RECEIVED,
  PacketReader,
  packetOf,
  type Received,
  textOf,
} from './packet-reader.ts';
import { StopPoints } from './stop-points.ts';
import { targetDescription } from './target-description.ts';

/** Maximum number of bytes of memory in a packet. */
const MAX_MEMORY = MAX_PACKET / 2 - 16;
/** Bytes of a monitor's output in one packet. */
const OUTPUT = 1024;
const REFUSED = 'E01';
const UNKNOWN = '';

/** The machine and the transport of a session. */
export interface GdbSessionOptions {
  readonly target: DebugTarget;
  /** Sends bytes to the debugger, in order. */
  send(bytes: Uint8Array): void;
  /** Returns the output of a `monitor` command. */
  monitor(command: string): string;
  /** Ends the machine. */
  kill(): void;
}

/** Hexadecimal digits with the bytes in reverse order. */
const bytesReversed = (digits: string): string => (digits.match(/../g) ?? []).reverse().join('');

/** A reply; undefined when it comes later, or never. */
type Reply = string | undefined;

export class GdbSession {
  readonly #options: GdbSessionOptions;
  readonly #target: DebugTarget;
  readonly #reader = new PacketReader();
  readonly #points: StopPoints;
  readonly #pc: number;
  #sent: Uint8Array = ACKNOWLEDGED;
  #acknowledges = true;
  /** GDB supports the kinds of breakpoints in stop replies. */
  #namesBreakpoints = false;
  #space: AddressSpace = 'virtual';
  /** The vCPU selected for packets about registers and memory. */
  #vcpu = 0;
  /** GDB has resumed the machine, and waits for a stop. */
  #isRunning = false;
  #stop: DebugStop | undefined;
  /** The reply about the machine's end. */
  #end: string | undefined;
  #isOver = false;

  /** Halts the machine until the debugger resumes it. */
  constructor(options: GdbSessionOptions) {
    this.#options = options;
    this.#target = options.target;
    this.#points = new StopPoints(options.target);
    this.#pc = options.target.registers.findIndex(({ name }) => name === 'pc');
    this.#target.onStop((stop) => this.#stopped(stop));
    this.#target.halt();
  }

  /** The debugger has detached, or killed the machine: the session sends nothing more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Receives bytes from the debugger, in pieces of any size. */
  receive(bytes: Uint8Array): void {
    for (const received of this.#reader.receive(bytes)) {
      if (this.#isOver) return;
      this.#received(received);
    }
  }

  /** The debugger has disconnected: the machine continues without it. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isRunning = false;
    this.#target.onStop(undefined);
    this.#points.clear();
    this.#target.resume([]);
  }

  /**
   * The machine has ended.
   * @param exitCode undefined when it has failed, or was stopped.
   */
  ended(exitCode: number | undefined): void {
    this.#end = exitCode === undefined ? 'X0f' : `W${hexOf([exitCode & 0xff])}`;
    if (this.#isRunning) this.#send(this.#end);
    this.#isRunning = false;
  }

  #received(received: Received): void {
    switch (received.what) {
      case 'packet':
        if (this.#acknowledges) this.#options.send(ACKNOWLEDGED);
        this.#packet(textOf(received.data));
        return;
      case 'damaged':
        if (this.#acknowledges) this.#options.send(NOT_RECEIVED);
        return;
      case 'again':
        if (this.#acknowledges) this.#options.send(this.#sent);
        return;
      default:
        if (this.#isRunning) this.#target.halt();
    }
  }

  #send(reply: string): void {
    this.#sent = packetOf(reply);
    this.#options.send(this.#sent);
  }

  #packet(text: string): void {
    // All-stop: no requests are accepted while the machine runs.
    const reply = this.#isRunning ? REFUSED : this.#answer(text);
    if (reply !== undefined) this.#send(reply);
    if (text === 'QStartNoAckMode' && reply === 'OK') this.#acknowledges = false;
  }

  #stopped(stop: DebugStop): void {
    this.#stop = stop;
    this.#vcpu = stop.vcpu;
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#send(this.#stopReply(stop));
  }

  /**
   * The debugger's connection has halted the machine: this is not an interrupt of its
   * user.
   */
  #whyStopped(): string {
    const stop = this.#stop;
    return this.#stopReply(stop && stop.why !== 'halt' ? stop : { why: 'step', vcpu: this.#vcpu });
  }

  #stopReply(stop: DebugStop): string {
    const pc = this.#target.readRegister(stop.vcpu, this.#pc);
    return stopReply(stop, this.#namesBreakpoints ? this.#points.nameOf(pc) : undefined);
  }

  #answer(text: string): Reply {
    const rest = text.slice(1);
    switch (text[0]) {
      case '?':
        return this.#end ?? this.#whyStopped();
      case 'q':
        return this.#query(text);
      case 'Q':
        return this.#set(text);
      case 'v':
        return this.#verbose(text);
      case 'H':
        return this.#select(rest);
      case 'T':
        return vcpuOf(rest, this.#target.vcpus, 0) === undefined ? REFUSED : 'OK';
      case 'k':
        return this.#kill();
      case 'D':
        this.close();
        return 'OK';
      default:
        return this.#end === undefined ? this.#work(text, rest) : REFUSED;
    }
  }

  /** Packets that require a machine. */
  #work(text: string, rest: string): Reply {
    switch (text[0]) {
      case 'g':
        return this.#readCore();
      case 'G':
        return this.#writeCore(rest);
      case 'p':
        return this.#readOne(rest);
      case 'P':
        return this.#writeOne(rest);
      case 'm':
        return this.#readMemory(rest);
      case 'M':
        return this.#writeMemory(rest, bytesOfHex);
      case 'X':
        return this.#writeMemory(rest, bytesOf);
      case 'Z':
      case 'z':
        return this.#points.change(text);
      case 'c':
      case 's':
        return this.#resumeFrom(text);
      case 'C':
      case 'S':
        return this.#resume(actionsOf(text, this.#target.vcpus, this.#vcpu));
      default:
        return UNKNOWN;
    }
  }

  #query(text: string): Reply {
    const [name = ''] = text.split(/[:,]/, 1);
    switch (name) {
      case 'qSupported':
        this.#namesBreakpoints = /[:;](sw|hw)break\+(;|$)/.test(text);
        return (
          `PacketSize=${MAX_PACKET.toString(16)};QStartNoAckMode+;qXfer:features:read+;` +
          'swbreak+;hwbreak+;vContSupported+'
        );
      case 'qXfer':
        return this.#describe(text);
      case 'qC':
        return `QC${threadOf(this.#vcpu)}`;
      case 'qAttached':
        return '1';
      case 'qSymbol':
        return 'OK';
      case 'qfThreadInfo':
        return `m${Array.from({ length: this.#target.vcpus }, (_, n) => threadOf(n)).join(',')}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qThreadExtraInfo':
        return this.#threadInfo(text);
      case 'qqemu.PhyMemMode':
        return this.#space === 'physical' ? '1' : '0';
      case 'qRcmd':
        return this.#monitor(text);
      default:
        return UNKNOWN;
    }
  }

  #set(text: string): Reply {
    if (text === 'QStartNoAckMode') return 'OK';
    const [, physical] = /^Qqemu\.PhyMemMode:([01])$/.exec(text) ?? [];
    if (physical === undefined) return UNKNOWN;
    this.#space = physical === '1' ? 'physical' : 'virtual';
    return 'OK';
  }

  #verbose(text: string): Reply {
    if (text === 'vCont?') return 'vCont;c;C;s;S;t;r';
    if (text.startsWith('vKill')) return this.#kill() ?? 'OK';
    if (!text.startsWith('vCont;')) return UNKNOWN;
    if (this.#end !== undefined) return REFUSED;
    return this.#resume(actionsOf(text.slice('vCont;'.length), this.#target.vcpus, this.#vcpu));
  }

  #select(text: string): Reply {
    const vcpu = vcpuOf(text.slice(1), this.#target.vcpus, this.#vcpu);
    if (vcpu === undefined || !/^[gc]/.test(text)) return REFUSED;
    if (text.startsWith('g') && vcpu >= 0) this.#vcpu = vcpu;
    return 'OK';
  }

  #kill(): undefined {
    this.close();
    this.#options.kill();
  }

  #describe(text: string): string {
    const [, from, size] = /^qXfer:features:read:target\.xml:([^,]*),(.*)$/.exec(text) ?? [];
    const [offset, length] = [lengthOf(from), lengthOf(size)];
    if (offset === undefined || length === undefined) return 'E00';
    const xml = targetDescription(this.#target.registers);
    const part = xml.slice(offset, offset + Math.min(length, MAX_MEMORY));
    return `${offset + part.length < xml.length ? 'm' : 'l'}${part}`;
  }

  #threadInfo(text: string): string {
    const vcpu = vcpuOf(text.slice('qThreadExtraInfo,'.length), this.#target.vcpus, 0);
    if (vcpu === undefined || vcpu < 0) return REFUSED;
    return hexOf(bytesOf(`vCPU ${vcpu}: ${this.#target.describe(vcpu)}`));
  }

  #monitor(text: string): string {
    const command = bytesOfHex(text.slice('qRcmd,'.length));
    if (!command) return REFUSED;
    const words = textOf(command).trim();
    const [, physical] = /^phys(?:ical)? (on|off)$/.exec(words) ?? [];
    if (physical !== undefined) this.#space = physical === 'on' ? 'physical' : 'virtual';
    const output =
      physical === undefined
        ? this.#options.monitor(words)
        : `addresses are ${this.#space === 'physical' ? 'physical' : "the vCPU's"}\n`;
    const bytes = new TextEncoder().encode(output);
    for (let at = 0; at < bytes.length; at += OUTPUT)
      this.#send(`O${hexOf(bytes.subarray(at, at + OUTPUT))}`);
    return 'OK';
  }

  /** A register's bytes, lowest first. */
  #readRegister(register: number): string {
    const digits = (this.#target.registers[register]?.bits ?? 0) / 4;
    const value = this.#target.readRegister(this.#vcpu, register);
    if (value === undefined) return 'x'.repeat(digits);
    return bytesReversed(value.toString(16).padStart(digits, '0'));
  }

  #writeRegister(register: number, text: string): boolean {
    const bits = this.#target.registers[register]?.bits ?? 0;
    if (text.length !== bits / 4) return false;
    const value = numberOf(bytesReversed(text));
    return value !== undefined && this.#target.writeRegister(this.#vcpu, register, value);
  }

  /** The registers that come first; GDB requests the others one by one. */
  #core(): number[] {
    return this.#target.registers.flatMap(({ group }, n) => (group === 'core' ? [n] : []));
  }

  #readCore(): string {
    return this.#core()
      .map((register) => this.#readRegister(register))
      .join('');
  }

  #writeCore(text: string): string {
    let at = 0;
    for (const register of this.#core()) {
      const end = at + (this.#target.registers[register]?.bits ?? 0) / 4;
      if (!this.#writeRegister(register, text.slice(at, end))) return REFUSED;
      at = end;
    }
    return 'OK';
  }

  #readOne(text: string): string {
    const register = lengthOf(text);
    return register !== undefined && register < this.#target.registers.length
      ? this.#readRegister(register)
      : REFUSED;
  }

  #writeOne(text: string): string {
    const [number, value = ''] = text.split('=');
    const register = lengthOf(number);
    return register !== undefined && this.#writeRegister(register, value) ? 'OK' : REFUSED;
  }

  #readMemory(text: string): string {
    const [place, size] = text.split(',');
    const [address, length] = [numberOf(place), lengthOf(size)];
    if (address === undefined || length === undefined) return REFUSED;
    const most = Math.min(length, MAX_MEMORY);
    const bytes = this.#target.readMemory(this.#vcpu, this.#space, address, most);
    return bytes.length === 0 && length > 0 ? 'E14' : hexOf(bytes);
  }

  #writeMemory(text: string, parse: (text: string) => Uint8Array | undefined): string {
    const colon = text.indexOf(':');
    const [place, size] = text.slice(0, Math.max(0, colon)).split(',');
    const [address, length] = [numberOf(place), lengthOf(size)];
    const bytes = parse(text.slice(colon + 1));
    if (address === undefined || !bytes || bytes.length !== length) return REFUSED;
    return this.#target.writeMemory(this.#vcpu, this.#space, address, bytes) ? 'OK' : 'E14';
  }

  /** `c` and `s`, with or without an address to continue at. */
  #resumeFrom(text: string): Reply {
    if (text.length > 1) {
      const pc = numberOf(text.slice(1));
      if (pc === undefined || !this.#target.writeRegister(this.#vcpu, this.#pc, pc)) return REFUSED;
    }
    const isStep = text.startsWith('s');
    const actions = Array.from(
      { length: this.#target.vcpus },
      (_, vcpu): DebugAction => ({ what: isStep && vcpu === this.#vcpu ? 'step' : 'run' }),
    );
    return this.#resume(actions);
  }

  #resume(actions: readonly DebugAction[] | undefined): Reply {
    if (!actions) return REFUSED;
    this.#isRunning = true;
    this.#target.resume(actions);
    return undefined;
  }
}
