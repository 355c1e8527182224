// SPDX-License-Identifier: MIT
// A virtio console with one port (virtio 1.2, section 5.3): input by queue 0, output by
// queue 1.

import { checkRequiredFunction } from '../plugin/index.ts';
import { checkBytes } from '../plugin/known-values.ts';
import { callback, checkOptions, type OptionKinds } from '../plugin/option-kinds.ts';
import { ByteQueue } from './byte-queue.ts';
import { isUnderWay } from './scattered-bytes.ts';
import type {
  RequestBuffers,
  RequestProgress,
  RequestWork,
  VirtioFunction,
} from './virtio-function.ts';

const DEVICE_ID = 3;
/** What kvm-unit-tests asks for at least. */
const QUEUE_SIZE = 128;
const INPUT = 0;
/** Bytes moved in one turn. */
const TURN_BYTES = 0x1000;

/** What else the back end of a `VirtioConsole` is told. */
export interface VirtioConsoleOptions {
  /**
   * Called when the console is reset, by its driver or with its machine, or restored:
   * what comes next does not continue the output before. Default: nothing is called.
   */
  readonly onReset?: () => void;
}

const OPTIONS: OptionKinds<VirtioConsoleOptions> = { onReset: callback };

/** A console, for a transport such as `VirtioPci`: `hvc0` in Linux. */
export class VirtioConsole implements VirtioFunction {
  readonly deviceId = DEVICE_ID;
  readonly supportsLegacy = true;
  readonly features = 0n;
  readonly queueSizes = [QUEUE_SIZE, QUEUE_SIZE];
  /**
   * Columns and rows are unused without their feature; there is one port, and no
   * emergency write.
   */
  readonly config = new Uint8Array(12);
  readonly #onOutput: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #onReset: (() => void) | undefined;
  /** Input belongs to the back end: it is not part of a saved machine. */
  readonly #input = new ByteQueue();

  /**
   * @param onOutput called with the guest's output; the receiver may keep the bytes.
   * @throws {TypeError} when it is not a function, or an option is unknown.
   */
  constructor(
    onOutput: (bytes: Uint8Array<ArrayBuffer>) => void,
    options: VirtioConsoleOptions = {},
  ) {
    checkRequiredFunction(onOutput, 'VirtioConsole: onOutput');
    checkOptions(options, OPTIONS, 'VirtioConsole');
    this.#onOutput = onOutput;
    this.#onReset = options.onReset;
  }

  reset(): void {
    this.#onReset?.();
  }

  /**
   * Adds console input. Bytes beyond 64 KiB unread by the guest are dropped.
   * @throws {TypeError} when it is not bytes.
   */
  receive(bytes: Uint8Array): void {
    checkBytes(bytes, 'VirtioConsole.receive: bytes');
    this.#input.push(bytes);
  }

  wants(queue: number): boolean {
    return queue !== INPUT || this.#input.length > 0;
  }

  begin(queue: number, buffers: RequestBuffers, progress: RequestProgress): RequestWork {
    return queue === INPUT ? this.#give(buffers) : this.#take(buffers, progress);
  }

  #give({ writable }: RequestBuffers): RequestWork {
    let bytes: Uint8Array | undefined;
    return () => {
      bytes ??= this.#input.peek(Math.min(writable.length, TURN_BYTES));
      const end = writable.write(0, bytes);
      if (isUnderWay(end)) return end;
      if (end === 'refused') return 0;
      this.#input.drop(bytes.length);
      return bytes.length;
    };
  }

  #take({ readable }: RequestBuffers, progress: RequestProgress): RequestWork {
    let bytes: Uint8Array<ArrayBuffer> | undefined;
    return () => {
      bytes ??= new Uint8Array(Math.max(0, Math.min(TURN_BYTES, readable.length - progress.done)));
      if (bytes.length === 0) return 0;
      const end = readable.read(progress.done, bytes);
      if (isUnderWay(end)) return end;
      if (end === 'refused') return 0;
      this.#onOutput(bytes);
      progress.done += bytes.length;
      bytes = undefined;
      return progress.done < readable.length ? 'more' : 0;
    };
  }
}
