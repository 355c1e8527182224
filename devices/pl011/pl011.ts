// SPDX-License-Identifier: MIT
// PL011 UART (DDI 0183): a console. Transmission is immediate, and the receive queue is
// unbounded. No modem lines, no DMA.

import { ABI_KIND_PL011 } from '../../assembly/layout/guest-abi.ts';
import {
  PL011_DR,
  PL011_FR,
  PL011_FR_RXFE,
  PL011_FR_RXFF,
  PL011_FR_TXFE,
  PL011_ICR,
  PL011_IFLS,
  PL011_IMSC,
  PL011_INT_RX,
  PL011_INT_TX,
  PL011_LCRH,
  PL011_MIS,
  PL011_REGION_SIZE,
  PL011_RIS,
  PL011_RSR,
} from '../../assembly/layout/pl011-registers.ts';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type InterruptLine,
  type MmioAccess,
  maskInWord,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  RegisterFile,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import { checkBytes } from '../plugin/known-values.ts';
import { callback, checkOptions, type OptionKinds } from '../plugin/option-kinds.ts';
import { PL011_REGISTERS } from './pl011-register-specs.ts';

/** Output of the console of a `Pl011`. */
export interface Pl011Options {
  /** Called with the bytes that the guest sends; the receiver may keep the array. */
  onOutput(bytes: Uint8Array<ArrayBuffer>): void;
}

const OPTIONS: OptionKinds<Pl011Options> = {
  onOutput: callback,
};

const RX = maskInWord(PL011_INT_RX);
const TX = maskInWord(PL011_INT_TX);
/**
 * Receive timeout: characters are waiting below the trigger level (UARTRIS.RTRIS, DDI
 * 0183 section 3.3.11).
 */
const RT = 1 << 6;
const LCRH_FEN = 1 << 4;
const FIFO_DEPTH = 16;
/**
 * Receive trigger levels in characters, by UARTIFLS.RXIFLSEL; reserved values act like
 * the highest.
 */
const RX_TRIGGERS = [2, 4, 8, 12, 14];

const NAMES = new Map([
  [PL011_DR, 'UARTDR'],
  [PL011_RSR, 'UARTRSR'],
  [PL011_FR, 'UARTFR'],
  [PL011_RIS, 'UARTRIS'],
  [PL011_MIS, 'UARTMIS'],
  [PL011_ICR, 'UARTICR'],
]);

function resetState() {
  return {
    /** Characters received and not yet read; the first FIFO_DEPTH are in the FIFO. */
    received: [] as number[],
    /** UARTRIS. */
    pending: 0,
  };
}

/** Arm's UART PL011: a guest's console. */
export class Pl011 implements Device {
  readonly name = 'pl011';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_PL011, interrupts: 1, busMaster: false };
  // The part has no byte lanes on the AMBA bus: a narrow access reaches the whole
  // register.
  readonly regions = [{ name: 'pl011', size: PL011_REGION_SIZE, accessSizes: [1, 2, 4] as const }];
  readonly #onOutput: (bytes: Uint8Array<ArrayBuffer>) => void;
  #line: InterruptLine | undefined;
  private readonly registers = new RegisterFile(PL011_REGION_SIZE, PL011_REGISTERS);
  private state = resetState();

  /** @throws {TypeError} when an option is unknown, or `onOutput` is not a function. */
  constructor(options: Pl011Options) {
    checkOptions(options, OPTIONS, 'Pl011', ['onOutput']);
    this.#onOutput = (bytes) => options.onOutput(bytes);
  }

  attach(host: DeviceHost): void {
    this.#line = host.interruptLine(0);
  }

  reset(): void {
    this.state = resetState();
    this.registers.reset();
    this.#updateLine();
  }

  /**
   * Input from the other end of the line. Nothing is lost: characters that do not fit in
   * the FIFO wait.
   */
  receive(bytes: Uint8Array): void {
    checkBytes(bytes, 'Pl011.receive: bytes');
    for (const byte of bytes) this.state.received.push(byte);
    if (bytes.length > 0) this.#characterArrived();
    this.#updateLine();
  }

  /** True when input would assert the interrupt. */
  get awaitsInput(): boolean {
    return (this.registers.get(PL011_IMSC) & (RX | RT)) !== 0;
  }

  read(access: MmioAccess): void {
    const value = access.offset % 4 === 0 ? this.#readWord(access.offset) : 0;
    access.lo = access.size === 1 ? value & 0xff : access.size === 2 ? value & 0xffff : value;
    access.hi = 0;
  }

  write(access: MmioAccess): void {
    switch (access.offset) {
      case PL011_DR:
        // Sent regardless of UARTCR: firmware and early consoles print before they
        // program the UART.
        this.#onOutput(Uint8Array.of(access.lo & 0xff));
        this.state.pending |= TX;
        break;
      case PL011_ICR:
        this.state.pending &= ~access.lo;
        break;
      default:
        if (access.offset % 4 === 0) this.registers.writeWord(access.offset, access.lo);
    }
    this.#updateLine();
  }

  #readWord(offset: number): number {
    const { received, pending } = this.state;
    switch (offset) {
      case PL011_DR:
        return this.#readCharacter();
      case PL011_FR:
        return (
          maskInWord(PL011_FR_TXFE) |
          (received.length === 0 ? maskInWord(PL011_FR_RXFE) : 0) |
          (received.length >= this.#depth() ? maskInWord(PL011_FR_RXFF) : 0)
        );
      case PL011_RIS:
        return pending;
      case PL011_MIS:
        return pending & this.registers.get(PL011_IMSC);
      default:
        return this.registers.get(offset);
    }
  }

  #depth(): number {
    return this.registers.get(PL011_LCRH) & LCRH_FEN ? FIFO_DEPTH : 1;
  }

  #trigger(): number {
    if (this.#depth() === 1) return 1;
    return RX_TRIGGERS[(this.registers.get(PL011_IFLS) >>> 3) & 7] ?? FIFO_DEPTH;
  }

  /** A character entered the FIFO. The timeout of 32 bit periods elapses immediately. */
  #characterArrived(): void {
    if (this.state.received.length >= this.#trigger()) this.state.pending |= RX;
    this.state.pending |= RT;
  }

  #readCharacter(): number {
    const { received } = this.state;
    const waiting = received.length > this.#depth();
    const character = received.shift() ?? 0;
    if (waiting) this.#characterArrived();
    // Reading below the trigger level clears the receive interrupt; emptying the FIFO
    // clears the timeout interrupt (section 2.8).
    if (received.length < this.#trigger()) this.state.pending &= ~RX;
    if (received.length === 0) this.state.pending &= ~RT;
    this.#updateLine();
    return character;
  }

  #updateLine(): void {
    this.#line?.setLevel((this.state.pending & this.registers.get(PL011_IMSC)) !== 0);
  }

  save(): DeviceState {
    return { registers: this.registers.save(), state: structuredClone(this.state) };
  }

  restore(state: DeviceState): void {
    const fields = stateFields(state, 'registers', 'state');
    const own = plainStateLike(resetState(), fields.state);
    this.registers.restore(fields.registers);
    this.state = own;
    this.#updateLine();
  }

  registerName(region: number, offset: number): string {
    return (
      NAMES.get(offset) ??
      this.registers.nameAt(offset) ??
      unnamedRegister(this.regions[region], offset)
    );
  }
}
