// SPDX-License-Identifier: MIT
// The hot modules, for a VMM of one's own.

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

/** Names of the hot modules, as one may say where they lie. */
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

/** @throws {TypeError} unless the value is where a file lies, or absent. */
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
 * Compiles the hot modules, those that lie beside the library's own files where `urls` says nothing
 * else.
 * @throws {TypeError} when there is no such module or option, or a value is none.
 * @throws {EnvironmentError} `no-module` when a module cannot be loaded, or is another one.
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
