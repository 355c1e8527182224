// SPDX-License-Identifier: MIT

/** Offers a file to the user for download. */
export function saveFile(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it when the click has been handled; a longer time does no harm.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
