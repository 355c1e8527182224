// SPDX-License-Identifier: MIT

import { fileReason, requireRegularFile } from '../vmm/api/regular-file.ts';

/** The command cannot be carried out as given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Why a file or a folder cannot be created or written, as part of a message. */
export function writeReason(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return code === 'ENOENT' ? 'no such folder' : fileReason(error);
}

/**
 * Checks a file before it is opened.
 * @param what is done with it: "read", "load device".
 * @throws {UsageError} if it does not exist, or is not a regular file.
 */
export async function requireFile(file: string, what = 'read'): Promise<void> {
  try {
    await requireRegularFile(file);
  } catch (error) {
    throw new UsageError(`cannot ${what} ${file}: ${fileReason(error)}`);
  }
}
