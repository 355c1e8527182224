// SPDX-License-Identifier: MIT
// The clipboard, where the browser and its user let the page write to it.

/** @returns false when they do not. */
export async function copyText(text: string): Promise<boolean> {
  try {
    // A page that is not at a secure origin has none.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
