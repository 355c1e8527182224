// SPDX-License-Identifier: MIT
// Arrays of driver data as Linux's mock copies them, by the rules for structs that grow.

import { type InvalidateRequest, type InvalidateResult, IommufdError } from '../index.ts';
import { require } from '../iommufd-error.ts';

/** Type of an invalidation. */
export const MOCK_INVALIDATE_DATA = 0xdeadbeef;

/** The array as an entry at a time is copied: each a struct that grows, of which a shorter one is EINVAL. */
export function* oneByOne(request: InvalidateRequest, size: number): Generator<DataView> {
  require(request.count === 0 || request.entryLength >= size, 'EINVAL', 'an entry is too short');
  for (let i = 0; i < request.count; i++) yield entryOf(request, i, size);
}

/** The same copied at once, before the first is looked at: what a shorter one has not got is zero. */
export function atOnce(request: InvalidateRequest, size: number): DataView[] {
  return Array.from({ length: request.count }, (_, i) => entryOf(request, i, size));
}

function entryOf({ entries, entryLength }: InvalidateRequest, i: number, size: number): DataView {
  const bytes = entries.subarray(i * entryLength, (i + 1) * entryLength);
  const rest = bytes.subarray(size);
  require(rest.every((byte) => byte === 0), 'E2BIG', 'an entry has more than is known');
  const entry = new Uint8Array(size);
  entry.set(bytes.subarray(0, size));
  return new DataView(entry.buffer);
}

/** Carries entries out one by one; what fails ends the rest. */
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
