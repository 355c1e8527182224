// SPDX-License-Identifier: MIT
// The arm64 system images, and the comparison of their logs on qemu-system-aarch64 7.2
// and on the board `virt`, line by line. Differences are listed here with their reasons;
// sections are those of DDI 0487 (Arm ARM), IHI 0069 (GICv3) and DEN0022 (PSCI).

/**
 * @typedef {{ image: string, qemu?: RegExp, own?: RegExp, reason: string }} Difference
 */

/**
 * Images, each with the QEMU model that has the features of its subject. The Cortex-A76
 * has PAN, LSE and 16 KiB granules.
 */
export const IMAGES = [
  { name: 'exceptions', cpu: 'cortex-a57' },
  { name: 'faults', cpu: 'cortex-a76' },
  { name: 'at', cpu: 'cortex-a76' },
  { name: 'pan', cpu: 'cortex-a76' },
  { name: 'timer', cpu: 'cortex-a57' },
  { name: 'gic', cpu: 'cortex-a57' },
  { name: 'psci', cpu: 'cortex-a57' },
  { name: 'code', cpu: 'cortex-a57' },
  { name: 'registers', cpu: 'cortex-a57' },
];

/** An abort's line. @param {string} syndrome a pattern */
const abort = (syndrome) =>
  `vector=[24]00 esr=9[26]000${syndrome} far=[0-9a-f]+ elr=0 spsr=[0-9a-f]+`;

/**
 * Differences by image. An entry is a pair of lines, or a line that only one side has.
 * @type {readonly Difference[]}
 */
export const DIFFERENCES = [
  {
    image: 'exceptions',
    qemu: /^(fadd|fmov|ldr q|stp d|add v|ld1|ldr d literal) ok=/,
    own: /^(fadd|fmov|ldr q|stp d|add v|ld1|ldr d literal) vector=[24]00 esr=2000000 /,
    reason:
      'QEMU’s vfp=off changes the ID registers only; without FP its encodings are UNDEFINED (A1.5, C4.1)',
  },
  {
    image: 'exceptions',
    qemu: /^msr daif(set|clr) vector=400 esr=6207[9d]3e4 /,
    own: /^msr daif(set|clr) vector=400 esr=620[ce]d3e4 /,
    reason:
      'QEMU has op1 and op2 of a trapped MSR (immediate) in each other’s place (D17.2.37, EC 0x18)',
  },
  {
    image: 'exceptions',
    qemu: /^wfe that sleeps ok=0$/,
    own: /^wfe that sleeps vector=400 esr=7e00001 elr=8 spsr=0$/,
    reason:
      'QEMU’s WFE never waits, and what does not wait is not trapped (D1.6.1, SCTLR_EL1.nTWE)',
  },
  {
    image: 'exceptions',
    qemu: /^mrs mdccsr, TDCC ok=0$/,
    own: /^mrs mdccsr, TDCC vector=400 esr=6220c003 elr=0 spsr=0$/,
    reason: 'QEMU 7.2 does not know MDSCR_EL1.TDCC (D17.3.20)',
  },
  {
    image: 'faults',
    qemu: /^ low=fedcba9876543210 /,
    own: /^ low=1122334455667788 /,
    reason:
      'a store that faults in its second page may have written the first one; here it has not (B2.2.1, single-copy atomicity)',
  },
  {
    image: 'faults',
    qemu: /^[a-z -]+ el=[01] off by [14] ok=/,
    own: new RegExp(`^[a-z -]+ el=[01] off by [14] ${abort('0[26]1')}$`),
    reason: 'QEMU before 9.1 lets unaligned accesses of Device memory pass (B2.8.2)',
  },
  {
    image: 'faults',
    qemu: /^off by 1 ok=/,
    own: /^off by 1 vector=200 esr=96000021 far=41000001 /,
    reason: 'as before: memory is Device-nGnRnE while the MMU is off (D8.2.10)',
  },
  {
    image: 'faults',
    qemu: /^ el=[01] (dc c?i?vac|ic ivau) ok=1$/,
    own: new RegExp(`^ el=[01] (dc c?i?vac|ic ivau) ${abort('14[7bf]')}$`),
    reason:
      'QEMU does nothing for cache maintenance by address; it is translated, and faults (D7.5.9, ISS.CM)',
  },
  {
    image: 'faults',
    qemu: /^ el=1 store exclusive vector=200 esr=9600000[7b] far=[0-9a-f]+ elr=0 spsr=3c5$/,
    own: /^ el=1 store exclusive vector=200 esr=9600000[7b] far=[0-9a-f]+ elr=0 spsr=3c5 count=2$/,
    reason: 'whether a STXR that cannot succeed is translated is IMPLEMENTATION DEFINED (B2.12.2)',
  },
  {
    image: 'faults',
    qemu: /^beyond 44 bits vector=200 esr=96000000 /,
    own: /^beyond 44 bits vector=200 esr=96000010 /,
    reason:
      'physical addresses have 48 bits here, 40 there (ID_AA64MMFR0_EL1.PARange): nobody is at this one',
  },
  {
    image: 'at',
    qemu: /^ attribute=[12] shareable=[03] s1e1r=(4000000)?41000(800|980) /,
    own: /^ attribute=[12] shareable=[03] s1e1r=(4000000)?41000900 /,
    reason:
      'PAR_EL1.SH is Outer Shareable for Device memory, whatever the descriptor says (D17.2.108)',
  },
  {
    image: 'at',
    qemu: /^ attribute=3 shareable=[03] s1e1r=4400000041000(800|980) /,
    own: /^ attribute=3 shareable=[03] s1e1r=4400000041000900 /,
    reason: 'as before: PAR_EL1.SH of Non-cacheable memory',
  },
  {
    image: 'at',
    qemu: /^without the MMU s1e1r=41001800 /,
    own: /^without the MMU s1e1r=41001900 /,
    reason: 'as before: memory is Device-nGnRnE while the MMU is off (D8.2.10)',
  },
  {
    image: 'gic',
    qemu: /^ GICD_CTLR=50 .* lines=7 .* GICR_TYPER=1000010 /,
    own: /^ GICD_CTLR=50 .* lines=8 .* GICR_TYPER=10 /,
    reason:
      '256 SPIs here, 224 there; GICR_TYPER.CommonLPIAff is about LPIs, which there are none of (IHI 0069 12.11.36)',
  },
  {
    image: 'gic',
    qemu: /^GIC[DR]_IPRIORITYR\d+ value=0 of ones=ffffffff /,
    own: /^GIC[DR]_IPRIORITYR\d+ value=0 of ones=f8f8f8f8 /,
    reason:
      'five bits of priority here, in QEMU’s distributor eight: IMPLEMENTATION DEFINED (IHI 0069 4.8)',
  },
  {
    image: 'gic',
    qemu: /^GICD_IROUTER32 high value=0 of ones=ffffffff /,
    own: /^GICD_IROUTER32 high value=0 of ones=ff /,
    reason: 'GICD_IROUTER has Aff3 in bits 39 to 32, and above them RES0 (IHI 0069 12.9.22)',
  },
  {
    image: 'gic',
    qemu: /^ GICD_IROUTER32=ff000000f$/,
    own: /^ GICD_IROUTER32=f0000000f$/,
    reason:
      'as before: bits 31 to 24; GICD_TYPER.No1N says that there is no Interrupt_Routing_Mode',
  },
  {
    image: 'gic',
    qemu: /^icc_pmr_el1 value=(0|fffffff8) written=(fffffff8|58)$/,
    own: /^icc_pmr_el1 value=(0|f8) written=(f8|58)$/,
    reason: 'QEMU keeps bits of ICC_PMR_EL1 that are RES0 (IHI 0069 12.2.19)',
  },
  {
    image: 'gic',
    qemu: /^ icc_ctlr_el1=8c00$/,
    own: /^ icc_ctlr_el1=400$/,
    reason:
      'QEMU has 24 bits of INTIDs and Aff3 (ICC_CTLR_EL1.IDbits, A3V), here it is 16 without: IMPLEMENTATION DEFINED',
  },
  {
    image: 'psci',
    qemu: /^PSCI_FEATURES of SYSTEM_RESET2( 64)? x0=ffffffffffffffff$/,
    own: /^PSCI_FEATURES of SYSTEM_RESET2( 64)? x0=0$/,
    reason: 'QEMU 7.2 has no SYSTEM_RESET2, which is optional (DEN0022 5.1)',
  },
  {
    image: 'psci',
    qemu: /^SYSTEM_RESET2, a vendor's x0=ffffffffffffffff$/,
    own: /^SYSTEM_RESET2, a vendor's x0=fffffffffffffffe$/,
    reason: 'as before',
  },
  {
    image: 'psci',
    qemu: /^(PSCI_FEATURES of )?SMCCC_VERSION x0=ffffffffffffffff$/,
    own: /^(PSCI_FEATURES of SMCCC_VERSION x0=0|SMCCC_VERSION x0=10001)$/,
    reason: 'QEMU has no calls of SMCCC but PSCI (DEN0028 7.2)',
  },
  {
    image: 'psci',
    qemu: /^PSCI_VERSION, upper half of X0 x0=ffffffffffffffff$/,
    own: /^PSCI_VERSION, upper half of X0 x0=10001$/,
    reason: 'the function is W0: the upper half of X0 does not matter (DEN0028 3.1)',
  },
  {
    image: 'registers',
    qemu: /^(vbar_el1|esr_el1|contextidr_el1|cntkctl_el1) ones=fffffffffffff/,
    own: /^(vbar_el1 ones=fffffffffffff800|(esr|contextidr)_el1 ones=ffffffff|cntkctl_el1 ones=3ff) zeros=0$/,
    reason: 'QEMU keeps bits that are RES0 (D17.2)',
  },
  {
    image: 'registers',
    qemu: /^ el=[01] s3_3_c4_c4_[01]$/,
    reason: 'FPCR and FPSR: there is no floating point',
  },
  {
    image: 'registers',
    qemu: /^ el=[01] s3_(3_c9_c[cde]|3_ce_c8|3_ce_cc|3_ce_cf|0_c9_ce)_\d( esr=62[0-9a-f]+)?$/,
    reason: 'the Performance Monitors, which QEMU’s Cortex-A57 has (ID_AA64DFR0_EL1.PMUVer)',
  },
  {
    image: 'registers',
    qemu: /^ el=1 s2_0_c0_c[2-5]_[4-7]$/,
    reason:
      'six breakpoints and four watchpoints there, two of each here (ID_AA64DFR0_EL1.BRPs, WRPs)',
  },
  {
    image: 'registers',
    own: /^ el=1 s2_0_c(1_c4_4|7_c8_6|7_c9_6|7_ce_6)$/,
    reason:
      'DBGPRCR_EL1, DBGCLAIMSET_EL1, DBGCLAIMCLR_EL1 and DBGAUTHSTATUS_EL1, which QEMU 7.2 has not (D17.3)',
  },
  {
    image: 'registers',
    own: /^ el=1 s3_0_c4_c2_3$/,
    reason: 'PAN, which a Cortex-A57 has not',
  },
  {
    image: 'registers',
    qemu: /^ el=1 s3_1_c[bf]_c[0-3]_\d$/,
    reason: 'IMPLEMENTATION DEFINED registers of the Cortex-A57 (D12.3.2)',
  },
];

/** Lines of a log. @param {string} text */
const linesOf = (text) => text.replace(/\n$/, '').split('\n');

/**
 * Compares the logs of an image.
 * @param {string} image
 * @param {string} qemu
 * @param {string} own
 * @returns the differences without a reason, at most the first ten; and the entries of
 *   DIFFERENCES that occurred.
 */
export function compareLogs(image, qemu, own) {
  const expected = linesOf(qemu);
  const found = linesOf(own);
  const known = DIFFERENCES.filter((one) => one.image === image);
  /** @type {Set<Difference>} */
  const used = new Set();
  /** @type {string[]} */
  const problems = [];
  let at = 0;
  let ownAt = 0;
  while ((at < expected.length || ownAt < found.length) && problems.length < 10) {
    const there = expected[at];
    const here = found[ownAt];
    if (there === here) {
      at++;
      ownAt++;
      continue;
    }
    const difference = known.find(
      (one) =>
        (one.qemu === undefined || (there !== undefined && one.qemu.test(there))) &&
        (one.own === undefined || (here !== undefined && one.own.test(here))),
    );
    if (difference) used.add(difference);
    else problems.push(`line ${at + 1}: ${there ?? 'no more'}, here: ${here ?? 'no more'}`);
    if (!difference || difference.qemu !== undefined) at++;
    if (!difference || difference.own !== undefined) ownAt++;
  }
  return { problems, used };
}
