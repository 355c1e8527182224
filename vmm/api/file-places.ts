// SPDX-License-Identifier: MIT
// Options that say where files of the library lie: a URL or a path for each.

import { fileUrl } from '../../assembly/file-place.ts';
import { OptionsError } from './api-errors.ts';
import { checkInner } from './option-checks.ts';
import { shown } from './option-values.ts';

/** By the names of an option: where each file lies. */
type Places<Name extends string> = { readonly [name in Name]?: string | URL | undefined };

/**
 * The files that an option names, by their URLs: what is relative is so to where it was given, whoever
 * loads it later.
 * @param option an object of such places: "wasmUrl".
 * @throws {OptionsError} when it has another name, or a place that is none.
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
