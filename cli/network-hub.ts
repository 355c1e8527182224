// SPDX-License-Identifier: MIT
// One Ethernet segment for the network devices of a run: each frame reaches all other devices.

import { VirtioNet } from '../devices/virtio/index.ts';

/** A locally administered address that contains the numbers of machine and device. */
const macOf = (machine: number, index: number) => [2, 0, 0, 0, machine, index + 1];

export class NetworkHub {
  readonly #devices: VirtioNet[] = [];

  /** Creates a network device on this segment, with its own MAC address. */
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
