// SPDX-License-Identifier: MIT

/** Offers the user a file to keep. */
export function saveFile(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it when the click has been dealt with; a while does no harm.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
