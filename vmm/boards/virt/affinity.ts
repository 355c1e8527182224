// SPDX-License-Identifier: MIT
// How vCPUs are numbered for software: vCPU n has the affinity 0.0.(n / 16).(n % 16), so that the list of
// an SGI reaches all of one Aff1, and Linux needs no range selector (GICD_TYPER.RSS is 0).

/** Affinity of a vCPU: what MPIDR_EL1, GICR_TYPER, GICD_IROUTER and the device tree have. */
export function affinityOf(vcpu: number): number {
  return ((vcpu >> 4) << 8) | (vcpu & 0xf);
}

/**
 * The vCPU of an affinity, undefined when there is none.
 * @param affinity Aff3 from bit 32 on, Aff2.Aff1.Aff0 below bit 24; every other bit is part of none.
 */
export function vcpuOf(affinity: bigint, vcpus: number): number | undefined {
  if (affinity > 0xffffn || (affinity & 0xf0n) !== 0n) return undefined;
  const vcpu = Number(((affinity >> 8n) << 4n) | (affinity & 0xfn));
  return vcpu < vcpus ? vcpu : undefined;
}
