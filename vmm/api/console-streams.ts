// SPDX-License-Identifier: MIT
// A machine's console as web streams.

/**
 * Both ways, in bytes: what the guest writes, and what it reads. Its UART and its
 * program's standard streams are one console.
 */
export interface MachineConsole {
  /**
   * What the guest writes from now on; it ends with the machine. Nothing holds the guest
   * up: of what is not read the last MiB is kept.
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Bytes that were written and are lost, because nobody has read them in time. */
  readonly dropped: number;
  /** Goes to the guest's UART and to standard input. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Console input for the program (WASI): what was written and not yet read. */
export class InputQueue {
  #pieces: Uint8Array[] = [];

  add(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#pieces.push(bytes.slice());
  }

  clear(): void {
    this.#pieces = [];
  }

  /** At most `most` bytes; empty when there are none. */
  take(most: number): Uint8Array {
    const [first] = this.#pieces;
    if (!first) return new Uint8Array();
    const taken = first.subarray(0, most);
    if (taken.length === first.length) this.#pieces.shift();
    else this.#pieces[0] = first.subarray(most);
    return taken;
  }
}

/** Output that is kept until it is read. */
const UNREAD_BYTES = 2 ** 20;

/** Output that nobody has read yet: the end of it, as far as there is room. */
class UnreadOutput {
  readonly #ring = new Uint8Array(UNREAD_BYTES);
  /** Bytes since the beginning. */
  #written = 0;
  #read = 0;
  #dropped = 0;

  get length(): number {
    return this.#written - this.#read;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(bytes: Uint8Array): void {
    const kept = bytes.subarray(Math.max(0, bytes.length - UNREAD_BYTES));
    const at = (this.#written + bytes.length - kept.length) % UNREAD_BYTES;
    const first = kept.subarray(0, UNREAD_BYTES - at);
    this.#ring.set(first, at);
    this.#ring.set(kept.subarray(first.length), 0);
    this.#written += bytes.length;
    const lost = Math.max(0, this.length - UNREAD_BYTES);
    this.#read += lost;
    this.#dropped += lost;
  }

  /** Some of it, the oldest; at least a byte when there is one. */
  take(): Uint8Array<ArrayBuffer> {
    const at = this.#read % UNREAD_BYTES;
    const taken = this.#ring.slice(at, Math.min(UNREAD_BYTES, at + this.length));
    this.#read += taken.length;
    return taken;
  }
}

/** The streams, made when they are first asked for. */
export class ConsoleStreams implements MachineConsole {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #unread = new UnreadOutput();
  #output: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  /** Somebody waits for output. */
  #wanted = false;
  #ended = false;

  constructor(input: (bytes: Uint8Array) => void) {
    this.readable = new ReadableStream(
      {
        start: (controller) => {
          this.#output = controller;
        },
        pull: () => {
          this.#wanted = true;
          this.#deliver();
        },
        cancel: () => {
          this.#output = undefined;
        },
      },
      // The stream itself keeps nothing, so that what is kept can be dropped.
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream({ write: input });
  }

  get dropped(): number {
    return this.#unread.dropped;
  }

  push(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#output) return;
    this.#unread.add(bytes);
    this.#deliver();
  }

  end(): void {
    this.#ended = true;
    this.#deliver();
  }

  #deliver(): void {
    const output = this.#output;
    if (this.#wanted && this.#unread.length > 0) {
      this.#wanted = false;
      output?.enqueue(this.#unread.take());
    }
    if (!this.#ended || this.#unread.length > 0) return;
    output?.close();
    this.#output = undefined;
  }
}
