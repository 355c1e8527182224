// SPDX-License-Identifier: MIT
// The expected output of a kernel with SMMUv3 and CMDQV drivers while it boots, and the
// forbidden one.

/** Kinds of domains, with the kernel's words for them. */
const POLICIES = {
  strict: [/iommu: Default domain type: Translated/, /TLB invalidation policy: strict mode/],
  lazy: [/iommu: Default domain type: Translated/, /TLB invalidation policy: lazy mode/],
  passthrough: [/iommu: Default domain type: Passthrough/],
};

/** Has the driver report that it has found the CMDQV. */
export const DEBUG = 'dyndbg="file arm-smmu-v3.c +p"';

/** What a healthy kernel does not print. */
export const TROUBLE =
  /WARNING|BUG:|Oops|Call trace|CMD_SYNC timeout|failed to|unexpected|errno|taint [^0]/;

/** VCMDQs that the driver allocates: at least two for each VINTF, one for each vCPU. */
export const vcmdqsFor = (/** @type {number} */ vcpus) => Math.max(2, vcpus);

/**
 * The output of a boot with `DEBUG`, in this order.
 * @param {number} [entries] of each queue; any number, if absent.
 * @param {{ policy?: keyof typeof POLICIES, cmdqv?: boolean, vcpus?: number }} [options]
 * @returns {readonly RegExp[]}
 */
export function landmarks(entries, { policy = 'strict', cmdqv = true, vcpus = 1 } = {}) {
  const queues = Array.from({ length: vcmdqsFor(vcpus) }, (_, i) => `vcmdq${i}`);
  return [
    ...POLICIES[policy],
    ...(cmdqv ? [/arm-smmu-v3 9050000\.iommu: found companion CMDQV device: b000000\.cmdqv/] : []),
    /oas 48-bit \(features 0x/,
    ...['cmdq', 'evtq', ...(cmdqv ? queues : [])].map(
      (queue) => new RegExp(`allocated ${entries ?? '\\d+'} entries for ${queue}$`, 'm'),
    ),
    /9200000\.dma-engine: Adding to iommu group 0/,
  ];
}

/**
 * The first expected text that does not occur after the previous ones.
 * @param {string} text
 * @param {readonly RegExp[]} expected
 * @returns {{ missing: RegExp, rest: string } | undefined}
 */
export function firstMissing(text, expected) {
  let rest = text;
  for (const one of expected) {
    const match = one.exec(rest);
    if (match === null) return { missing: one, rest };
    rest = rest.slice(match.index + match[0].length);
  }
  return undefined;
}
