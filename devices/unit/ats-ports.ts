// The endpoints of an SMMU with an address translation cache, as its host's kernel sees them.

import {
  ATC_OFF,
  ATC_PORT_MODE,
  ATC_PORT_SID,
  ATC_PORT_STRIDE,
  ATC_PORTS,
  SMMU_AT_ATC,
} from '../../assembly/layout/ats-memory.ts';

/**
 * Whether the device of a stream has its ATS on (ATS Control Register, E).
 * @param smmu byte offset of the SMMU block in host memory.
 * @param physSid physical StreamID.
 */
export function isAtsEnabled(
  hostMemory: WebAssembly.Memory,
  smmu: number,
  physSid: number,
): boolean {
  const words = new Int32Array(hostMemory.buffer);
  for (let port = 0; port < ATC_PORTS; port++) {
    const at = smmu + SMMU_AT_ATC + port * ATC_PORT_STRIDE;
    if (Atomics.load(words, (at + ATC_PORT_SID) >> 2) === physSid + 1)
      return Atomics.load(words, (at + ATC_PORT_MODE) >> 2) !== ATC_OFF;
  }
  return false;
}
