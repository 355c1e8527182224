// What a refusal of iommufd means where a guest may ask for what it cannot have.

import { IommufdError } from '../../host/iommufd/index.ts';

/** What `ask` answers; false when iommufd refuses it. */
export function unlessRefused(ask: () => boolean): boolean {
  try {
    return ask();
  } catch (error) {
    if (error instanceof IommufdError) return false;
    throw error;
  }
}
