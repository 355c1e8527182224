// SPDX-License-Identifier: MIT
// Entries of the PRI queue and their responses against the bit tables of IHI 0070 chapter
// 8 and section 4.5.2.

import { describe, expect, it } from 'vitest';
import {
  PRI_RESP_FAILURE,
  PRI_RESP_INVALID,
  PRI_RESP_SUCCESS,
} from '../../assembly/layout/commands.ts';
import * as PPR from '../../assembly/layout/page-requests.ts';
import { pageRequest } from '../../devices/tables/index.ts';
import { doublewordsOf, expectFields, fieldsOf, overlaps } from './images.ts';

describe('page requests', () => {
  it('have every field where the specification has it', () => {
    const fields = fieldsOf(PPR, /^$/);
    expectFields(fields, {
      PPR_SID: [0, 31, 0],
      PPR_SSID: [0, 51, 32],
      PPR_PRIV: [0, 58, 58],
      PPR_EXEC: [0, 59, 59],
      PPR_READ: [0, 60, 60],
      PPR_WRITE: [0, 61, 61],
      PPR_LAST: [0, 62, 62],
      PPR_SSV: [0, 63, 63],
      PPR_INDEX: [1, 8, 0],
      PPR_ADDR_LO: [1, 31, 12],
      PPR_ADDR_HI: [1, 63, 32],
    });
    expect(overlaps(fields)).toEqual([]);
  });

  it('are built as the specification has them', () => {
    const written = pageRequest({
      streamId: 0x108,
      group: 0x1ff,
      address: 0x12_3456_789a,
      write: true,
    });
    expect(doublewordsOf([...written])).toBe('6000000000000108 00000012345671ff');
    const read = pageRequest({ streamId: 1, group: 2, address: 0xfffff000, write: false });
    expect(doublewordsOf([...read])).toBe('5000000000000001 00000000fffff002');
  });

  it('have three answers', () => {
    expect([PRI_RESP_FAILURE, PRI_RESP_INVALID, PRI_RESP_SUCCESS]).toEqual([0, 1, 2]);
  });
});
