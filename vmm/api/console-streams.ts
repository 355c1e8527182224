// SPDX-License-Identifier: MIT
// A machine's console as web streams.

/**
 * Both directions, in bytes: the guest's output and input. Its UART and its program's
 * standard streams are one console.
 */
export interface MachineConsole {
  /**
   * The guest's output from now on; it ends with the machine. It never blocks the guest:
   * the last MiB of unread output is kept.
   */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Bytes of output that were lost because they were not read in time. */
  readonly dropped: number;
  /** Goes to the guest's UART and to standard input. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Console input for the program (WASI): written and not yet read. */
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

/** Maximum amount of unread output that is kept. */
const UNREAD_BYTES = 2 ** 20;

/** The end of the unread output, up to the limit. */
class UnreadOutput {
  readonly #ring = new Uint8Array(UNREAD_BYTES);
  /** Bytes written since the start. */
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

  /** Takes some of the oldest output; at least one byte if there is any. */
  take(): Uint8Array<ArrayBuffer> {
    const at = this.#read % UNREAD_BYTES;
    const taken = this.#ring.slice(at, Math.min(UNREAD_BYTES, at + this.length));
    this.#read += taken.length;
    return taken;
  }
}

/** The streams, created at their first use. */
export class ConsoleStreams implements MachineConsole {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #unread = new UnreadOutput();
  #output: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  /** A reader is waiting for output. */
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
      // The stream itself buffers nothing, so that unread output can be dropped.
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
