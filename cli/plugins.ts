// SPDX-License-Identifier: MIT
// Device plugins from files: a module whose export `device` is a function that makes a device, one for each machine.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BoardError, type Device } from '../vmm/api/index.ts';
import { requireFile, UsageError } from './cli-error.ts';

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

/** @throws {UsageError} when the module cannot be loaded, or makes no device. */
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
 * The same error, which begins with the file of the device that it is about: a run may have several.
 * @param files of the devices, in their order.
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
