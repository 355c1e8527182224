// SPDX-License-Identifier: MIT
// A virtio network device (virtio 1.2, section 5.1): frames in by queue 0, out by queue
// 1, each after a header that requests nothing, because no offload is offered.

import { checkBytes } from '../plugin/known-values.ts';
import {
  callback,
  checkOptions,
  integerFrom,
  listOf,
  type OptionKinds,
} from '../plugin/option-kinds.ts';
import { isUnderWay } from './scattered-bytes.ts';
import type {
  RequestBuffers,
  RequestProgress,
  RequestWork,
  VirtioFunction,
} from './virtio-function.ts';

const DEVICE_ID = 1;
const QUEUE_SIZE = 128;
const RECEIVE = 0;
const FEATURE_MAC = 1n << 5n;
const FEATURE_STATUS = 1n << 16n;
const STATUS_LINK_UP = 1;
/**
 * Flags, offload, and the number of buffers: 1 (section 5.1.6.1). By the legacy interface
 * this number would be absent, so the function does not support it.
 */
const HEADER_SIZE = 12;
const BUFFERS_AT = 10;
const MAC_SIZE = 6;
/** An Ethernet frame without its checksum, with a VLAN tag. */
const MOST_FRAME = 1518;
/**
 * Maximum number of frames for which the guest has no buffer yet; further ones are
 * dropped, as in a network.
 */
const MOST_WAITING = 256;

/** The network of a device. */
export interface VirtioNetOptions {
  /** Six bytes. Default 02:00:00:00:00:01, a locally administered address. */
  readonly mac?: readonly number[];
  /**
   * Called with each frame that the guest sends; the receiver may keep the bytes.
   * Default: the frame is sent back to the guest.
   */
  readonly onFrame?: (frame: Uint8Array<ArrayBuffer>) => void;
}

const OPTIONS: OptionKinds<VirtioNetOptions> = {
  mac: listOf(integerFrom(0, 255)),
  onFrame: callback,
};

const DEFAULT_MAC = [2, 0, 0, 0, 0, 1];

function configOf(mac: readonly number[]): Uint8Array {
  if (
    mac.length !== MAC_SIZE ||
    !mac.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)
  )
    throw new RangeError(`VirtioNet: mac must be six numbers from 0 to 255, not ${mac.join(', ')}`);
  const config = new Uint8Array(MAC_SIZE + 2);
  config.set(mac);
  config[MAC_SIZE] = STATUS_LINK_UP;
  return config;
}

/**
 * A network device, for a transport such as `VirtioPci`: a loopback, or connected to the
 * user's functions. It does not support the legacy interface of `VirtioMmio`.
 */
export class VirtioNet implements VirtioFunction {
  readonly deviceId = DEVICE_ID;
  readonly features = FEATURE_MAC | FEATURE_STATUS;
  readonly queueSizes = [QUEUE_SIZE, QUEUE_SIZE];
  readonly config: Uint8Array;
  readonly #onFrame: (frame: Uint8Array<ArrayBuffer>) => void;
  /** Waiting frames belong to the network: they are not part of a saved machine. */
  readonly #waiting: Uint8Array[] = [];

  /**
   * @throws {RangeError} when the MAC address is not valid.
   * @throws {TypeError} when an option is unknown, or `onFrame` is not a function.
   */
  constructor(options: VirtioNetOptions = {}) {
    checkOptions(options, OPTIONS, 'VirtioNet');
    const { mac = DEFAULT_MAC, onFrame } = options;
    this.config = configOf(mac);
    this.#onFrame = onFrame ?? ((frame) => this.receive(frame));
  }

  /**
   * Sends a frame to the guest, without checksum; one of more than 1518 bytes is dropped.
   */
  receive(frame: Uint8Array): void {
    checkBytes(frame, 'VirtioNet.receive: frame');
    if (frame.length <= MOST_FRAME && this.#waiting.length < MOST_WAITING)
      this.#waiting.push(frame.slice());
  }

  wants(queue: number): boolean {
    return queue !== RECEIVE || this.#waiting.length > 0;
  }

  begin(queue: number, buffers: RequestBuffers, progress: RequestProgress): RequestWork {
    return queue === RECEIVE ? this.#give(buffers) : this.#take(buffers, progress);
  }

  #give({ writable }: RequestBuffers): RequestWork {
    let bytes: Uint8Array | undefined;
    return () => {
      bytes ??= this.#received();
      // A frame that does not fit in its buffer is lost, and the buffer is returned
      // empty.
      const fits = bytes.length <= writable.length;
      const end = fits ? writable.write(0, bytes) : 'refused';
      if (isUnderWay(end)) return end;
      this.#waiting.shift();
      return end === 'done' ? bytes.length : 0;
    };
  }

  /** The frame that has waited longest, with its header. */
  #received(): Uint8Array {
    const frame = this.#waiting[0] ?? new Uint8Array();
    const bytes = new Uint8Array(HEADER_SIZE + frame.length);
    bytes[BUFFERS_AT] = 1;
    bytes.set(frame, HEADER_SIZE);
    return bytes;
  }

  #take({ readable }: RequestBuffers, progress: RequestProgress): RequestWork {
    const length = readable.length - HEADER_SIZE;
    const isSent = progress.done > 0;
    if (isSent || length <= 0 || length > MOST_FRAME) return () => 0;
    const frame = new Uint8Array(length);
    return () => {
      const end = readable.read(HEADER_SIZE, frame);
      if (isUnderWay(end)) return end;
      progress.done = readable.length;
      if (end === 'done') this.#onFrame(frame);
      return 0;
    };
  }
}
