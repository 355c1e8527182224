// The hot modules, for a VMM of one's own.

import {
  type HotModuleOptions,
  type HotModules,
  type HotModuleUrls,
  loadHotModules as load,
} from '../../assembly/load.ts';
import { checkNames } from '../plugin/index.ts';
import { allNamesOf } from '../plugin/known-names.ts';

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

/**
 * Compiles the hot modules, those that lie beside the library's own files where `urls` says nothing
 * else.
 * @throws {TypeError} when there is no such module or option.
 * @throws {ModuleLoadError} when a module cannot be loaded.
 */
export async function loadHotModules(
  urls: HotModuleUrls = {},
  options: HotModuleOptions = {},
): Promise<HotModules> {
  checkNames(urls, HOT_MODULES, 'loadHotModules');
  checkNames(options, OPTIONS, 'loadHotModules');
  return await load(urls, options);
}
