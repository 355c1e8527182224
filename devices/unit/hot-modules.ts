// SPDX-License-Identifier: MIT
// The hot modules, for a custom VMM.

import { fileUrl } from '../../assembly/file-place.ts';
import {
  type HotModuleOptions,
  type HotModules,
  type HotModuleUrls,
  loadHotModules as load,
} from '../../assembly/load.ts';
import { checkNames } from '../plugin/index.ts';
import { allNamesOf, typeOf } from '../plugin/known-names.ts';
import { checkBoolean } from '../plugin/known-values.ts';

/** Names of the hot modules, for options with their URLs. */
export const HOT_MODULES = allNamesOf<HotModuleUrls>({
  guestPort: true,
  privateGuestPort: true,
  smmuCore: true,
  checkedSmmuCore: true,
  vcmdqDrain: true,
  smmuUnit: true,
  privateSmmuUnit: true,
  checkedSmmuUnit: true,
  privateCheckedSmmuUnit: true,
});
const OPTIONS = allNamesOf<HotModuleOptions>({ checked: true });

/** @throws {TypeError} unless the value is a file's URL or path, or absent. */
function checkPlace(value: unknown, what: string): void {
  if (value === undefined) return;
  try {
    if (typeof value === 'string' || value instanceof URL) fileUrl(value);
    else throw new TypeError(typeOf(value));
  } catch {
    const shown = typeof value === 'string' ? JSON.stringify(value) : typeOf(value);
    throw new TypeError(`${what} must be a URL or a path, not ${shown}`);
  }
}

/**
 * Compiles the hot modules: those in the library's directory, except where `urls` has
 * another place.
 * @throws {TypeError} when a module or option is unknown, or a value is not a place.
 * @throws {EnvironmentError} `no-module` when a module cannot be loaded, or is not the
 *   expected one.
 */
export async function loadHotModules(
  urls: HotModuleUrls = {},
  options: HotModuleOptions = {},
): Promise<HotModules> {
  checkNames(urls, HOT_MODULES, 'loadHotModules');
  checkNames(options, OPTIONS, 'loadHotModules');
  for (const [name, place] of Object.entries(urls)) checkPlace(place, `loadHotModules: ${name}`);
  checkBoolean(options.checked, 'loadHotModules: checked');
  return await load(urls, options);
}
