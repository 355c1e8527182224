// SPDX-License-Identifier: MIT
// The clipboard, if the browser and its user let the page write to it.

/** @returns false when it may not. */
export async function copyText(text: string): Promise<boolean> {
  try {
    // A page without a secure origin has none.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
