// SPDX-License-Identifier: MIT
// Files that are read completely must be regular ones: a device may never end, and
// opening a FIFO waits for a writer.

import { fetchReason } from '../../assembly/fetch-reason.ts';

const REASONS = new Map([
  ['ENOENT', 'no such file'],
  ['EISDIR', 'it is a directory'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['ENOTDIR', 'part of its path is not a directory'],
  ['ELOOP', 'too many symbolic links'],
  ['ENAMETOOLONG', 'its name is too long'],
  ['EMFILE', 'too many open files'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'no space left on the device'],
  ['EIO', 'input/output error'],
  ['EPIPE', 'its reader has gone'],
]);

/** Why a file cannot be read or written, as part of a message. */
export function fileReason(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return REASONS.get(code ?? '') ?? code ?? fetchReason(error) ?? message ?? String(error);
}

/**
 * Checks, in Node.js, that a path is a regular file.
 * @returns its size in bytes.
 * @throws {Error} when it is not; `fileReason` explains it.
 */
export async function requireRegularFile(path: string | URL): Promise<number> {
  if (path === '') throw new Error('its name is empty');
  const { stat } = process.getBuiltinModule('node:fs/promises');
  const found = await stat(path);
  if (found.isDirectory()) throw new Error('it is a directory');
  if (!found.isFile()) throw new Error('it is not a regular file');
  return found.size;
}
