// SPDX-License-Identifier: MIT
// Device plugins from files: modules whose export `device` is a function that creates a device; each
// machine gets its own.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BoardError, type Device } from '../vmm/api/index.ts';
import { requireFile, UsageError } from './cli-error.ts';

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

/** @throws {UsageError} if the module cannot be loaded, or does not create a device. */
export async function loadDevice(file: string): Promise<Device> {
  let module: { readonly device?: unknown };
  await requireFile(file, 'load device');
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as { readonly device?: unknown };
  } catch (error) {
    throw new UsageError(`cannot load device ${file}: ${firstLine(error)}`);
  }
  if (typeof module.device !== 'function')
    throw new UsageError(`cannot load device ${file}: it exports no function "device"`);
  try {
    return (module.device as () => Device)();
  } catch (error) {
    throw new UsageError(`cannot load device ${file}: device() threw: ${firstLine(error)}`);
  }
}

/**
 * The same error, with the device's file at the beginning of the message, because a run may have
 * several devices.
 * @param files of the devices, in the order of the devices.
 */
export function namedDeviceError(
  error: unknown,
  files: readonly (string | undefined)[],
  devices: readonly Device[],
): unknown {
  if (!(error instanceof BoardError)) return error;
  const { code, message } = error;
  const [listed, index] = /^devices\[(\d+)\]/.exec(message) ?? [];
  const at =
    index === undefined
      ? devices.findIndex(({ name }) => message.startsWith(`device ${name}`))
      : Number(index);
  const file = files[at];
  if (file === undefined) return error;
  const named = listed ? file + message.slice(listed.length) : `${file}: ${message}`;
  return new BoardError(code, named, { cause: error });
}
