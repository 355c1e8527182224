// SPDX-License-Identifier: MIT
// The table of events in docs/smmuv3.md agrees with the core and the decoder.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeEvent } from '../../devices/decode/index.ts';
import { EVENTS, type EventType } from '../../devices/tables/index.ts';

const PAGE = readFileSync(new URL('../../docs/smmuv3.md', import.meta.url), 'utf8');

/**
 * Fields in addition to ID and StreamID, as decoded from a record whose bits are all 1.
 */
function carried(id: number): string {
  const ones = Array.from({ length: 8 }, () => 0xffffffff);
  const { fields } = decodeEvent([0xffffff00 + id, ...ones.slice(1)]);
  const names = fields
    .map(({ name }) => name)
    .filter((name) => !['Event', 'StreamID', 'reserved'].includes(name));
  return names.join(', ');
}

function rowOf({ id, name, provokedBy, never }: EventType): string[] {
  const why = provokedBy ?? `nothing: ${never}`;
  return [`0x${id.toString(16).padStart(2, '0')} ${name}`, carried(id), why];
}

describe('docs/smmuv3.md', () => {
  it('lists every event, the fields of its records, and its cause', () => {
    const rows = PAGE.split('\n')
      .filter((line) => /^\| 0x[0-9a-f]{2} [A-Z]/.test(line))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    expect(rows).toEqual(EVENTS.map(rowOf));
  });
});
