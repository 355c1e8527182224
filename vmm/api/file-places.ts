// SPDX-License-Identifier: MIT
// Options with the places of files of the library: a URL or a path for each.

import { fileUrl } from '../../assembly/file-place.ts';
import { OptionsError } from './api-errors.ts';
import { checkInner } from './option-checks.ts';
import { shown } from './option-values.ts';

/** Place of each file, by the names of an option. */
type Places<Name extends string> = { readonly [name in Name]?: string | URL | undefined };

/**
 * The URLs of the files that an option names. Relative ones are resolved here,
 * independent of where they are loaded later.
 * @param option an object with such places: "wasmUrl".
 * @throws {OptionsError} when it has an unknown name, or a value that is not a place.
 */
export function filePlaces<Name extends string>(
  places: Places<Name> | undefined,
  option: string,
  known: readonly Name[],
): { readonly [name in Name]?: URL } {
  checkInner({ [option]: places }, option, known);
  const urls: { [name in Name]?: URL } = {};
  for (const name of known) {
    const place = places?.[name];
    if (place === undefined) continue;
    try {
      if (typeof place !== 'string' && !(place instanceof URL)) throw new TypeError('Invalid URL');
      urls[name] = fileUrl(place);
    } catch {
      const at = `${option}.${name}`;
      const message = `${at} must be a URL or a path, not ${shown(place)}`;
      throw new OptionsError('bad-option', at, message);
    }
  }
  return urls;
}
