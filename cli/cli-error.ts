// SPDX-License-Identifier: MIT

import { fileReason, requireRegularFile } from '../vmm/api/regular-file.ts';

/** The command cannot be carried out as it was given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Looks at a file before it is opened.
 * @param what becomes of it: "read", "load device".
 * @throws {UsageError} when it is not there, or no regular file.
 */
export async function requireFile(file: string, what = 'read'): Promise<void> {
  try {
    await requireRegularFile(file);
  } catch (error) {
    throw new UsageError(`cannot ${what} ${file}: ${fileReason(error)}`);
  }
}
