// Where the MSIs of a machine's devices go.

import type { GuestMemory } from '../plugin/index.ts';

/** Takes MSIs: 32-bit writes that carry the requester ID of their device. */
export interface MsiSink {
  /**
   * @param requesterId undefined: the board has given the device none.
   * @returns false when nothing at the address takes the write.
   */
  send(requesterId: number | undefined, address: number, data: number): boolean;
}

/** The sink of a board without an interrupt controller for MSIs: they are stores to RAM, as software that polls for them wants. */
export function memoryMsiSink(memory: GuestMemory): MsiSink {
  return { send: (_requesterId, address, data) => memory.store32(address, data) };
}
