// SPDX-License-Identifier: MIT
// Reads a trace file piece by piece: one event is in memory at a time, independent of the
// file's size and line ends.

import { joinBytes } from '../../devices/plugin/join-bytes.ts';
import type { ChromeEvent, ChromeTrace } from './chrome.ts';
import { checkEvent, checkOtherData } from './trace-schema.ts';

/** Maximum size of an event's text, and of all other contents of the file. */
const MOST_EVENT_BYTES = 2 ** 20;
const MOST_REST_BYTES = 64 * 2 ** 20;

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const EVENTS_KEY = /^\s*"traceEvents"\s*:\s*$/;

/**
 * Splits the text of a trace into its events and the members of the surrounding object.
 */
class TraceText {
  readonly #onEvent: (event: ChromeEvent) => void;
  readonly #decoder = new TextDecoder();
  /**
   * The only member besides the events that is read; a foreign file may have any number
   * of others.
   */
  otherData: unknown;
  /** The pieces from earlier chunks of the current item. */
  #earlier: Uint8Array[] = [];
  #earlierBytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inEvents = false;
  #ended = false;
  hasEvents = false;

  constructor(onEvent: (event: ChromeEvent) => void) {
    this.#onEvent = onEvent;
  }

  add(chunk: Uint8Array): void {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (this.#opens(chunk, from, i, byte)) from = i + 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        if (this.#closes(chunk, from, i, byte)) from = i + 1;
      } else if (byte === COMMA && this.#depth === (this.#inEvents ? 2 : 1)) {
        this.#item(chunk, from, i);
        from = i + 1;
      }
    }
    this.#keep(chunk.slice(from));
  }

  /** True when the next part begins after this byte. */
  #opens(chunk: Uint8Array, from: number, at: number, byte: number): boolean {
    if (this.#ended || (this.#depth === 0 && byte !== OPEN_OBJECT))
      throw new TypeError('it is not one JSON object');
    const depth = this.#depth++;
    if (depth === 0) return this.#blank(chunk, from, at);
    if (depth !== 1 || this.#inEvents || byte !== OPEN_ARRAY) return false;
    if (at - from > 100 || !EVENTS_KEY.test(this.#text(chunk, from, at))) return false;
    this.#clear();
    this.#inEvents = true;
    this.hasEvents = true;
    return true;
  }

  #closes(chunk: Uint8Array, from: number, at: number, byte: number): boolean {
    const depth = this.#depth--;
    const ofEvents = depth === 2 && this.#inEvents;
    const expected = ofEvents ? CLOSE_ARRAY : CLOSE_OBJECT;
    if (depth < 1 || ((ofEvents || depth === 1) && byte !== expected))
      throw new TypeError('it is not JSON');
    if (ofEvents) {
      this.#item(chunk, from, at);
      this.#inEvents = false;
      return true;
    }
    if (depth !== 1) return false;
    this.#item(chunk, from, at);
    this.#ended = true;
    return true;
  }

  #blank(chunk: Uint8Array, from: number, at: number): true {
    if (this.#text(chunk, from, at).trim() !== '') throw new TypeError('it is not JSON');
    this.#clear();
    return true;
  }

  /** An event, or a member; nothing when an array is empty or has just ended. */
  #item(chunk: Uint8Array, from: number, at: number): void {
    const text = this.#text(chunk, from, at);
    this.#clear();
    if (text.trim() === '') return;
    if (this.#inEvents) {
      this.#onEvent(checkEvent(JSON.parse(text)));
    } else {
      const member = JSON.parse(`{${text}}`) as { readonly otherData?: unknown };
      if (Object.hasOwn(member, 'otherData')) this.otherData = member.otherData;
    }
  }

  #text(chunk: Uint8Array, from: number, at: number): string {
    const piece = chunk.subarray(from, at);
    if (this.#earlier.length === 0) return this.#decoder.decode(piece);
    return this.#decoder.decode(joinBytes([...this.#earlier, piece]));
  }

  #keep(piece: Uint8Array): void {
    this.#earlier.push(piece);
    this.#earlierBytes += piece.length;
    if (this.#earlierBytes > (this.#inEvents ? MOST_EVENT_BYTES : MOST_REST_BYTES))
      throw new TypeError('one of its values is longer than any that a trace has');
  }

  #clear(): void {
    this.#earlier = [];
    this.#earlierBytes = 0;
  }

  end(): void {
    if (!this.#ended || this.#text(new Uint8Array(), 0, 0).trim() !== '')
      throw new TypeError('it is truncated, or continues after its end');
  }
}

/**
 * Reads a trace file.
 * @param chunks its bytes, in pieces of any length.
 * @param onEvent called with each event, in order.
 * @returns its other contents.
 * @throws {TypeError | SyntaxError} when it is not a trace file; the message's first line
 *   states why.
 */
export async function readChromeTrace(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  onEvent: (event: ChromeEvent) => void,
): Promise<ChromeTrace['otherData']> {
  const text = new TraceText(onEvent);
  for await (const chunk of chunks) text.add(chunk);
  text.end();
  if (!text.hasEvents) throw new TypeError('it has no traceEvents');
  return checkOtherData(text.otherData);
}
