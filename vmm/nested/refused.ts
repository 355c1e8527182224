// SPDX-License-Identifier: MIT
// What a refusal of iommufd means where a guest may ask for what it cannot have.

import { IommufdError } from '../../host/iommufd/index.ts';

/** What `ask` answers; `refused` when iommufd refuses it. */
export function unlessRefused<T>(ask: () => T, refused: T): T {
  try {
    return ask();
  } catch (error) {
    if (error instanceof IommufdError) return refused;
    throw error;
  }
}
