// A machine's console as web streams.

/** Both ways, in bytes: what the guest writes, and what it reads. Its UART and its program's standard streams are one console. */
export interface MachineConsole {
  /** What the guest writes from now on; it ends with the machine. Nothing holds the guest up: what is not read is kept. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
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

/** The streams, made when they are first asked for. */
export class ConsoleStreams implements MachineConsole {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<Uint8Array>;
  #output: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;

  constructor(input: (bytes: Uint8Array) => void) {
    this.readable = new ReadableStream({
      start: (controller) => {
        this.#output = controller;
      },
      cancel: () => {
        this.#output = undefined;
      },
    });
    this.writable = new WritableStream({ write: input });
  }

  push(bytes: Uint8Array<ArrayBuffer>): void {
    this.#output?.enqueue(bytes);
  }

  end(): void {
    this.#output?.close();
    this.#output = undefined;
  }
}
