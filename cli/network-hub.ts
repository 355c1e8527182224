// SPDX-License-Identifier: MIT
// One Ethernet segment for the network devices of a run: what one of them sends, all others receive.

import { VirtioNet } from '../devices/virtio/index.ts';

/** Locally administered, with the number of the machine and that of the device in it. */
const macOf = (machine: number, index: number) => [2, 0, 0, 0, machine, index + 1];

export class NetworkHub {
  readonly #devices: VirtioNet[] = [];

  /** A network device of this segment, with a MAC address of its own. */
  connect(machine: number, index: number): VirtioNet {
    const own: VirtioNet = new VirtioNet({
      mac: macOf(machine, index),
      onFrame: (frame) => {
        for (const device of this.#devices) if (device !== own) device.receive(frame);
      },
    });
    this.#devices.push(own);
    return own;
  }
}

/** A network device that sends each frame back to its guest. */
export const loopback = (machine: number, index: number): VirtioNet =>
  new VirtioNet({ mac: macOf(machine, index) });
