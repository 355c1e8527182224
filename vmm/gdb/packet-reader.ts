// SPDX-License-Identifier: MIT
// Packets of the GDB Remote Serial Protocol (GDB manual, appendix E.1) in a stream of
// bytes.

/** Maximum number of bytes between `$` and `#` of a packet, for `PacketSize`. */
export const MAX_PACKET = 0x4000;

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const ESCAPED = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
const CTRL_C = 0x03;

/** What has been received. */
export type Received =
  /** `data` after unescaping. */
  | { readonly what: 'packet'; readonly data: Uint8Array }
  /** The checksum does not match, or the packet is too long. */
  | { readonly what: 'damaged' }
  | { readonly what: 'interrupt' }
  /** The other end requests the last packet again. */
  | { readonly what: 'again' };

function unescaped(bytes: Uint8Array): Uint8Array {
  const data = new Uint8Array(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++)
    data[length++] = bytes[i] === ESCAPE ? (bytes[++i] ?? 0) ^ ESCAPED : (bytes[i] ?? 0);
  return data.subarray(0, length);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}

/** Splits a stream into packets, for pieces of any size. */
export class PacketReader {
  readonly #bytes = new Uint8Array(MAX_PACKET);
  #length = 0;
  /** `sum`: one digit of the checksum has been received, or none. */
  #state: 'outside' | 'inside' | 'sum' = 'outside';
  #sum = 0;
  #digits: number[] = [];

  /** The packets that these bytes complete, in order. */
  *receive(bytes: Uint8Array): Generator<Received> {
    for (const byte of bytes) {
      const received = this.#next(byte);
      if (received) yield received;
    }
  }

  #next(byte: number): Received | undefined {
    // A `$` within a packet starts a new one: as data it is escaped.
    if (byte === DOLLAR && this.#state !== 'sum') {
      this.#state = 'inside';
      this.#length = 0;
      this.#sum = 0;
      return undefined;
    }
    if (this.#state === 'inside') return this.#inside(byte);
    if (this.#state === 'sum') return this.#atSum(byte);
    if (byte === CTRL_C) return { what: 'interrupt' };
    return byte === MINUS ? { what: 'again' } : undefined;
  }

  #inside(byte: number): undefined {
    if (byte === HASH) {
      this.#state = 'sum';
      this.#digits = [];
      return;
    }
    this.#sum = (this.#sum + byte) & 0xff;
    if (this.#length < MAX_PACKET) this.#bytes[this.#length] = byte;
    this.#length++;
  }

  #atSum(byte: number): Received | undefined {
    this.#digits.push(hexDigit(byte));
    const [high, low] = this.#digits;
    if (high === undefined || low === undefined) return undefined;
    this.#state = 'outside';
    if (16 * high + low !== this.#sum || this.#length > MAX_PACKET) return { what: 'damaged' };
    return { what: 'packet', data: unescaped(this.#bytes.subarray(0, this.#length)) };
  }
}

/** Text as bytes, one byte per character, like all of a packet. */
export const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Bytes as text, one character each. */
export function textOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Bytes as hexadecimal digits. */
export function hexOf(bytes: Iterable<number>): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Bytes from hexadecimal digits; undefined when it is not hexadecimal. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

/** A packet in the form in which it is sent, with escapes. */
export function packetOf(text: string): Uint8Array {
  const escaped = text.replaceAll(
    /[#$}*]/g,
    (character) => `}${String.fromCharCode(character.charCodeAt(0) ^ ESCAPED)}`,
  );
  let sum = 0;
  for (let i = 0; i < escaped.length; i++) sum += escaped.charCodeAt(i);
  return bytesOf(`$${escaped}#${hexOf([sum & 0xff])}`);
}

/** Confirms a packet. */
export const ACKNOWLEDGED = Uint8Array.of(PLUS);
/** Requests a packet again. */
export const NOT_RECEIVED = Uint8Array.of(MINUS);
