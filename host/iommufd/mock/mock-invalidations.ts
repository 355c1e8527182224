// SPDX-License-Identifier: MIT
// Arrays of driver data, copied as in Linux's mock by the rules for extensible structs.

import { type InvalidateRequest, type InvalidateResult, IommufdError } from '../index.ts';
import { require } from '../iommufd-error.ts';

/** Type of an invalidation. */
export const MOCK_INVALIDATE_DATA = 0xdeadbeef;

/**
 * The array copied one entry at a time: each is an extensible struct, and a shorter one
 * is EINVAL.
 */
export function* oneByOne(request: InvalidateRequest, size: number): Generator<DataView> {
  require(request.count === 0 || request.entryLength >= size, 'EINVAL', 'an entry is too short');
  for (let i = 0; i < request.count; i++) yield entryOf(request, i, size);
}

/**
 * The array copied as a whole before the first entry is examined: missing bytes of short
 * entries are zero.
 */
export function atOnce(request: InvalidateRequest, size: number): DataView[] {
  return Array.from({ length: request.count }, (_, i) => entryOf(request, i, size));
}

function entryOf({ entries, entryLength }: InvalidateRequest, i: number, size: number): DataView {
  const bytes = entries.subarray(i * entryLength, (i + 1) * entryLength);
  const rest = bytes.subarray(size);
  require(rest.every((byte) => byte === 0), 'E2BIG', 'an entry has unknown bytes that are not 0');
  const entry = new Uint8Array(size);
  entry.set(bytes.subarray(0, size));
  return new DataView(entry.buffer);
}

/** Carries out entries one by one, up to the first that fails. */
export function invalidateEach(
  request: InvalidateRequest,
  entries: () => Iterable<DataView>,
  carryOut: (entry: DataView) => void,
): InvalidateResult {
  let handled = 0;
  try {
    require(request.dataType ===
      MOCK_INVALIDATE_DATA, 'EINVAL', `there are no invalidations of type ${request.dataType}`);
    for (const entry of entries()) {
      carryOut(entry);
      handled++;
    }
    return { handled };
  } catch (error) {
    if (error instanceof IommufdError) return { handled, error };
    throw error;
  }
}
