// SPDX-License-Identifier: MIT
// A guest's ID registers against its host's: what is refused, with the line that states
// the reason, and what `auto` derives from a host's. Words are literals.

import { describe, expect, it } from 'vitest';
import {
  checkGuestIdRegisters,
  checkIdRegisters,
  ENHANCED_GUEST_ID_REGISTERS,
  GUEST_ID_REGISTERS,
  guestIdRegisters,
  PAGE_REQUEST_GUEST_ID_REGISTERS,
  PHYSICAL_ID_REGISTERS,
} from '../../../devices/smmuv3/index.ts';

const HOST = {
  idr0: 0x0c4d3c9b,
  idr1: 0x014a5510,
  idr2: 0,
  idr3: 0x504,
  idr4: 0,
  idr5: 0x04000075,
  iidr: 0,
  aidr: 2,
};
const GUEST = { ...HOST, idr0: 0x0c483c9a, idr1: 0x01080510, idr3: 0x404 };

describe('a guest is refused what its host does not have', () => {
  it.each([
    ['IDR3.RIL is 1, its host’s 0', {}, { idr3: 0x104 }],
    ['IDR3.HAD is 1, its host’s 0', {}, { idr3: 0x500 }],
    ['IDR1.CMDQS is 8, its host’s 7', {}, { idr1: 0x00ea5510 }],
    ['IDR1.EVENTQS is 8, its host’s 7', {}, { idr1: 0x01475510 }],
    ['IDR1.SSIDSIZE is 20, its host’s 8', {}, { idr1: 0x014a5210 }],
    ['IDR5.GRAN4K is 1, its host’s 0', {}, { idr5: 0x04000065 }],
    ['IDR5.GRAN16K is 1, its host’s 0', {}, { idr5: 0x04000055 }],
    ['IDR5.GRAN64K is 1, its host’s 0', {}, { idr5: 0x04000035 }],
    ['IDR5.OAS is 5, its host’s 4', {}, { idr5: 0x04000074 }],
    ['IDR5.OAS is 6, its host’s 5', { idr5: 0x04000076 }, {}],
    ['IDR5.VAX is 1, its host’s 0', { idr5: 0x04000475 }, {}],
    ['IDR5.DS is 1, its host’s 0', { idr5: 0x040000f5 }, {}],
    ['IDR5.STALL_MAX is 1024, its host’s 512', {}, { idr5: 0x02000075 }],
    ['IDR0.HTTU is 2, its host’s 1', {}, { idr0: 0x0c4d3c5b }],
    ['IDR0.ATS is 1, its host’s 0', {}, { idr0: 0x0c4c389b }],
    ['IDR0.PRI is 1, its host’s 0', { idr0: 0x0c493c9a }, { idr0: 0x0c4c3c9b }],
    ['IDR0.ASID16 is 1, its host’s 0', {}, { idr0: 0x0c4d2c9b }],
    ['IDR0.CD2L is 1, its host’s 0', {}, { idr0: 0x0c453c9b }],
    ['IDR0.COHACC is 1, its host’s 0', {}, { idr0: 0x0c4d3c8b }],
    ['IDR0.BTM is 1, its host’s 0', { idr0: 0x0c483cba }, {}],
    ['IDR0.STALL_MODEL is 0, its host’s 1', {}, { idr0: 0x0d4d3c9b }],
    ['IDR0.TERM_MODEL is 0, its host’s 1', { idr0: 0x08483c9a }, {}],
    ['IDR0.S1P is 1, its host’s 0', {}, { idr0: 0x0c4d3c99 }],
  ])('%s', (fault, guest, host) => {
    const line = `the ID registers of a guest do not fit its host: ${fault.replace('’', "'")}`;
    expect(() => checkGuestIdRegisters({ ...GUEST, ...guest }, { ...HOST, ...host })).toThrow(
      new RangeError(line),
    );
  });

  it.each([
    ['fewer stalls', { idr0: 0x0d483c9a }, {}],
    ['TERM_MODEL', { idr0: 0x0c483c9a }, { idr0: 0x084d3c9b }],
    ['2-level stream tables', {}, { idr0: 0x044d3c9b }],
    ['MSIs', {}, { idr0: 0x0c4d1c9b }],
    ['StreamIDs', {}, { idr1: 0x014a5508 }],
    ['ECMDQs', { idr1: 0x81080510, idr6: 0x20000 }, {}],
  ])('and not what its own SMMU does by itself: %s', (_, guest, host) => {
    checkGuestIdRegisters({ ...GUEST, ...guest }, { ...HOST, ...host });
  });
});

describe('the ID registers of a guest by its host’s', () => {
  it('are the default ones for the default host', () => {
    expect(guestIdRegisters(PHYSICAL_ID_REGISTERS)).toEqual(GUEST_ID_REGISTERS);
    expect(GUEST_ID_REGISTERS).toEqual(GUEST);
    expect(guestIdRegisters(PHYSICAL_ID_REGISTERS, { enhancedQueues: true })).toEqual(
      ENHANCED_GUEST_ID_REGISTERS,
    );
    expect(guestIdRegisters(PHYSICAL_ID_REGISTERS, { pageRequests: true })).toEqual(
      PAGE_REQUEST_GUEST_ID_REGISTERS,
    );
  });

  it.each([
    ['small queues', { idr1: 0x00e35510 }, { idr1: 0x00e30510 }],
    ['large queues', { idr1: 0x0273fd10 }, { idr1: 0x01080510 }],
    ['StreamIDs of 8 and of 32 bits', { idr1: 0x014a5508 }, {}],
    ['StreamIDs of 32 bits', { idr1: 0x014a5520 }, {}],
    ['no range invalidation', { idr3: 0x104 }, { idr3: 4 }],
    ['BTM and no ATS', { idr0: 0x0c4c38bb }, { idr0: 0x0c48389a }],
    ['40 bits, 64 KiB alone', { idr5: 0x04000042 }, { idr5: 0x04000042 }],
    ['ECMDQs of its own', { idr1: 0x814a5510, idr6: 0x10000, aidr: 3 }, { aidr: 3 }],
  ])('are less than a host’s with %s', (_, host, expected) => {
    const physical = { ...HOST, ...host };
    const guest = guestIdRegisters(physical);
    expect(guest).toEqual({ ...GUEST, ...expected });
    checkIdRegisters(guest, 'guest');
    checkGuestIdRegisters(guest, physical);
  });
});
