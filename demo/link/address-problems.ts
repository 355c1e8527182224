// SPDX-License-Identifier: MIT
// What an address asks for that the page does not support, one line each.

import { settingProblems } from '../demo-settings.ts';
import { cut } from './cut-text.ts';
import { GUEST_HASH } from './guest-text.ts';
import { placeProblems } from './place.ts';

/** Of the frame (`embed`), which has one value, and the guest. */
function otherProblems({ searchParams, hash }: URL): string[] {
  const [embed, guest] = [searchParams.get('embed'), searchParams.get('guest')];
  const again = (name: string) =>
    searchParams
      .getAll(name)
      .slice(1)
      .map((given) => `${name}=${cut(given)}: there is one already; ignored.`);
  return [
    ...(embed === null || embed === '1' ? [] : [`embed=${cut(embed)}: must be 1; ignored.`]),
    ...again('embed'),
    ...(guest === '' ? ['guest=: must be a URL; ignored.'] : []),
    ...again('guest'),
    ...(guest && hash.startsWith(GUEST_HASH)
      ? [`${cut(hash)}: there is guest=${cut(guest)} already; ignored.`]
      : []),
  ];
}

/** Of settings, place, frame and guest. Foreign parameters are ignored. */
export function addressProblems(page: URL): string[] {
  const query = page.searchParams;
  return [...settingProblems(query), ...placeProblems(query), ...otherProblems(page)];
}
