// SPDX-License-Identifier: MIT
// Packets of the GDB Remote Serial Protocol (GDB manual, appendix E.1) in a stream of bytes.

/** Bytes of a packet between `$` and `#`, at most; as `PacketSize` tells it. */
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
  /** `data` without its escapes. */
  | { readonly what: 'packet'; readonly data: Uint8Array }
  /** The sum does not match, or the packet is too long. */
  | { readonly what: 'damaged' }
  | { readonly what: 'interrupt' }
  /** The other end asks for what was sent last. */
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

/** Takes a stream apart, however it is cut. */
export class PacketReader {
  readonly #bytes = new Uint8Array(MAX_PACKET);
  #length = 0;
  /** `sum`: one digit of the sum is there, or none. */
  #state: 'outside' | 'inside' | 'sum' = 'outside';
  #sum = 0;
  #digits: number[] = [];

  /** What these bytes complete, in order. */
  *receive(bytes: Uint8Array): Generator<Received> {
    for (const byte of bytes) {
      const received = this.#next(byte);
      if (received) yield received;
    }
  }

  #next(byte: number): Received | undefined {
    // A `$` within a packet begins another one: it is escaped where it is data.
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

/** Text as bytes: a character is one, as all of a packet is. */
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

/** Bytes of hexadecimal digits; undefined where it is none. */
export function bytesOfHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

/** A packet as it is sent. What is to be escaped is. */
export function packetOf(text: string): Uint8Array {
  const escaped = text.replaceAll(
    /[#$}*]/g,
    (character) => `}${String.fromCharCode(character.charCodeAt(0) ^ ESCAPED)}`,
  );
  let sum = 0;
  for (let i = 0; i < escaped.length; i++) sum += escaped.charCodeAt(i);
  return bytesOf(`$${escaped}#${hexOf([sum & 0xff])}`);
}

/** What says that a packet has been received, or is to be sent again. */
export const ACKNOWLEDGED = Uint8Array.of(PLUS);
/** What asks for a packet again. */
export const NOT_RECEIVED = Uint8Array.of(MINUS);
