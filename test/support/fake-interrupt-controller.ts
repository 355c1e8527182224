// SPDX-License-Identifier: MIT
// An interrupt controller with one doorbell that records its messages.

import type { MsiController } from '../../devices/bus/index.ts';

/** Page of the doorbell: a frame of a GICv2m, or GITS_TRANSLATER's of an ITS. */
export const DOORBELL_PAGE = 0x08020000;
/** The doorbell itself: MSI_SETSPI_NS of the one, GITS_TRANSLATER of the other. */
export const DOORBELL = DOORBELL_PAGE + 0x40;

export class FakeInterruptController implements MsiController {
  readonly doorbells = [{ gpa: DOORBELL_PAGE, size: 0x1000 }];
  /** Requester ID and data of each MSI. */
  readonly sent: (number | undefined)[][] = [];
  send(requesterId: number | undefined, address: number, data: number): boolean {
    if (address === DOORBELL) this.sent.push([requesterId, data]);
    return address === DOORBELL;
  }
}
