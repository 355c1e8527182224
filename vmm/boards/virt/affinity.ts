// SPDX-License-Identifier: MIT
// Numbering of vCPUs for software: vCPU n has the affinity 0.0.(n / 16).(n % 16). The
// target list of an SGI thus covers a whole Aff1, and Linux needs no range selector
// (GICD_TYPER.RSS is 0).

/** Affinity of a vCPU, for MPIDR_EL1, GICR_TYPER, GICD_IROUTER and the device tree. */
export function affinityOf(vcpu: number): number {
  return ((vcpu >> 4) << 8) | (vcpu & 0xf);
}

/**
 * The vCPU with an affinity; undefined when there is none.
 * @param affinity Aff3 from bit 32 on, Aff2.Aff1.Aff0 below bit 24; with any other bit
 *   set there is no vCPU.
 */
export function vcpuOf(affinity: bigint, vcpus: number): number | undefined {
  if (affinity > 0xffffn || (affinity & 0xf0n) !== 0n) return undefined;
  const vcpu = Number(((affinity >> 8n) << 4n) | (affinity & 0xfn));
  return vcpu < vcpus ? vcpu : undefined;
}
