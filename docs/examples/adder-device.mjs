import { defineDevice } from 'vsmmu/devices';

export const device = () =>
  defineDevice({
    name: 'adder',
    kind: 'addr',
    registers: {
      A: { offset: 0x0, writable: 0xffffffff },
      B: { offset: 0x4, writable: 0xffffffff },
      SUM: { offset: 0x8, read: ({ A, B }) => A + B },
    },
  });
