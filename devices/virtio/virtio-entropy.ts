// SPDX-License-Identifier: MIT
// A virtio entropy device (virtio 1.2, section 5.4): fills buffers with random bytes.

import { checkRequiredFunction } from '../plugin/index.ts';
import { isUnderWay } from './scattered-bytes.ts';
import type { RequestBuffers, RequestWork, VirtioFunction } from './virtio-function.ts';

const DEVICE_ID = 4;
const QUEUE_SIZE = 64;
/** Bytes of one request; the rest of larger buffers is unchanged. */
const MOST_BYTES = 0x1000;

/** A source of random bytes, for a transport such as `VirtioPci`. */
export class VirtioEntropy implements VirtioFunction {
  readonly deviceId = DEVICE_ID;
  readonly supportsLegacy = true;
  readonly features = 0n;
  readonly queueSizes = [QUEUE_SIZE];
  readonly config = new Uint8Array();
  readonly #random: (target: Uint8Array<ArrayBuffer>) => void;

  /** @param random fills its argument. Default: the system's random bytes. */
  constructor(
    random: (target: Uint8Array<ArrayBuffer>) => void = (target) => {
      crypto.getRandomValues(target);
    },
  ) {
    checkRequiredFunction(random, 'VirtioEntropy: random');
    this.#random = random;
  }

  begin(_queue: number, { writable }: RequestBuffers): RequestWork {
    const bytes = new Uint8Array(Math.min(writable.length, MOST_BYTES));
    this.#random(bytes);
    return () => {
      const end = writable.write(0, bytes);
      if (isUnderWay(end)) return end;
      return end === 'done' ? bytes.length : 0;
    };
  }
}
