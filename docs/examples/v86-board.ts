import type { V86 } from 'v86';
import { Host } from 'vsmmu';
import { plugSmmu, type V86Smmu } from 'vsmmu/v86';

/** Adds an SMMU with a CMDQV, and a DMA engine behind it, to a loaded emulator. */
export async function addSmmu(emulator: V86): Promise<V86Smmu> {
  const host = await Host.create({ vintfs: 2, vcmdqs: 4 });
  return plugSmmu(emulator, {
    host,
    gpa: 0xd0000000, // the SMMU; the CMDQV follows at +0x20000, the DMA engine at +0x80000
    page0: 0x400000, // 64 KiB of RAM that the guest does not use
    irqs: { smmu: 9, cmdqv: 11, dma: 5 },
    onFailure: (error) => console.error(error.message),
  });
}
