// SPDX-License-Identifier: MIT
// Refusals of iommufd that a guest may cause by requesting what it cannot have.

import { IommufdError } from '../../host/iommufd/index.ts';

/** Result of `ask`; `refused` when iommufd refuses the request. */
export function unlessRefused<T>(ask: () => T, refused: T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof IommufdError) return refused;
    throw error;
  }
}
