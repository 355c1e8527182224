// SPDX-License-Identifier: MIT
// System registers of the arm64 vCPU, one line each: `NAME op0 op1 CRn CRm op2 : access
// at EL0 : access at EL1 : kind`. Access is r, w, rw or -; at EL0 the name after `?` is
// the trap that decides. Kinds: `value N` reads N and ignores writes; `bank X MASK` and
// `own NAME` are storage, per exception level and per vCPU (BANK_X; a slot of
// ARM64_REGISTERS); `board` is implemented by the board; `special` has its own code
// (assembly/arm64/special-registers.ts). Registers that are not listed are UNDEFINED,
// except the rest of the ID space, which reads as 0.

/**
 * Trap conditions of EL0: a bit of SCTLR_EL1 or CNTKCTL_EL1 that permits the access, or
 * MDSCR_EL1.TDCC, which forbids it.
 */
export const A64_EL0_TRAPS = [
  'UCT',
  'UMA',
  'CNTFRQ',
  'CNTVCT',
  'CNTPCT',
  'CNTV',
  'CNTP',
  'TDCC',
] as const;

export const ARM64_REGISTER_ROWS: readonly string[] = [
  // Identification. MIDR is no product of Arm, because tables of errata match on those.
  'MIDR_EL1 3 0 0 0 0 : - : r : value 0x000f0000',
  'MPIDR_EL1 3 0 0 0 5 : - : r : own',
  'REVIDR_EL1 3 0 0 0 6 : - : r : value 0',
  'ID_AA64PFR0_EL1 3 0 0 4 0 : - : r : value 0x1100000001ff0011',
  'ID_AA64PFR1_EL1 3 0 0 4 1 : - : r : value 0',
  'ID_AA64DFR0_EL1 3 0 0 5 0 : - : r : value 0x0000000000101006',
  'ID_AA64DFR1_EL1 3 0 0 5 1 : - : r : value 0',
  'ID_AA64ISAR0_EL1 3 0 0 6 0 : - : r : value 0x0000000000210000',
  'ID_AA64ISAR1_EL1 3 0 0 6 1 : - : r : value 0x0000001000100000',
  'ID_AA64MMFR0_EL1 3 0 0 7 0 : - : r : value 0x0000000000100025',
  'ID_AA64MMFR1_EL1 3 0 0 7 1 : - : r : value 0x0000000000100000',
  'ID_AA64MMFR2_EL1 3 0 0 7 2 : - : r : value 0',
  'CCSIDR_EL1 3 1 0 0 0 : - : r : value 0x700fe01a',
  'CLIDR_EL1 3 1 0 0 1 : - : r : value 0x0000000009200003',
  'AIDR_EL1 3 1 0 0 7 : - : r : value 0',
  'CSSELR_EL1 3 2 0 0 0 : - : rw : own 0xf',
  // IDC 1, DIC 0, CWG 4, ERG 4, both line sizes 4 KiB, PIPT.
  'CTR_EL0 3 3 0 0 1 : r ? UCT : r : value 0x944ac00a',
  'DCZID_EL0 3 3 0 0 7 : r : r : special',
  // Control and translation.
  'SCTLR_EL1 3 0 1 0 0 : - : rw : special',
  'ACTLR_EL1 3 0 1 0 1 : - : rw : value 0',
  'CPACR_EL1 3 0 1 0 2 : - : rw : value 0',
  'TTBR0_EL1 3 0 2 0 0 : - : rw : special',
  'TTBR1_EL1 3 0 2 0 1 : - : rw : special',
  'TCR_EL1 3 0 2 0 2 : - : rw : special',
  'AFSR0_EL1 3 0 5 1 0 : - : rw : value 0',
  'AFSR1_EL1 3 0 5 1 1 : - : rw : value 0',
  'ESR_EL1 3 0 5 2 0 : - : rw : bank ESR 0xffffffff',
  'FAR_EL1 3 0 6 0 0 : - : rw : bank FAR',
  'PAR_EL1 3 0 7 4 0 : - : rw : own',
  'MAIR_EL1 3 0 10 2 0 : - : rw : special',
  'AMAIR_EL1 3 0 10 3 0 : - : rw : value 0',
  'VBAR_EL1 3 0 12 0 0 : - : rw : bank VBAR 0xfffffffffffff800',
  'RVBAR_EL1 3 0 12 0 1 : - : r : value 0',
  'ISR_EL1 3 0 12 1 0 : - : r : special',
  'CONTEXTIDR_EL1 3 0 13 0 1 : - : rw : bank CONTEXTIDR 0xffffffff',
  'TPIDR_EL1 3 0 13 0 4 : - : rw : bank TPIDR',
  'TPIDR_EL0 3 3 13 0 2 : rw : rw : own',
  'TPIDRRO_EL0 3 3 13 0 3 : r : rw : own',
  // State of the processing element.
  'SPSR_EL1 3 0 4 0 0 : - : rw : bank SPSR 0xf0700bdf',
  'ELR_EL1 3 0 4 0 1 : - : rw : bank ELR',
  'SP_EL0 3 0 4 1 0 : - : rw : special',
  'SPSel 3 0 4 2 0 : - : rw : special',
  'CurrentEL 3 0 4 2 2 : - : r : special',
  'PAN 3 0 4 2 3 : - : rw : special',
  'NZCV 3 3 4 2 0 : rw : rw : special',
  'DAIF 3 3 4 2 1 : rw ? UMA : rw : special',
  // Generic timer.
  'CNTKCTL_EL1 3 0 14 1 0 : - : rw : bank CNTKCTL 0x3ff',
  // Set by EL1, which is the highest exception level.
  'CNTFRQ_EL0 3 3 14 0 0 : r ? CNTFRQ : rw : own 0xffffffff',
  'CNTPCT_EL0 3 3 14 0 1 : r ? CNTPCT : r : special',
  'CNTVCT_EL0 3 3 14 0 2 : r ? CNTVCT : r : special',
  'CNTP_TVAL_EL0 3 3 14 2 0 : rw ? CNTP : rw : special',
  'CNTP_CTL_EL0 3 3 14 2 1 : rw ? CNTP : rw : special',
  'CNTP_CVAL_EL0 3 3 14 2 2 : rw ? CNTP : rw : special',
  'CNTV_TVAL_EL0 3 3 14 3 0 : rw ? CNTV : rw : special',
  'CNTV_CTL_EL0 3 3 14 3 1 : rw ? CNTV : rw : special',
  'CNTV_CVAL_EL0 3 3 14 3 2 : rw ? CNTV : rw : special',
  // Debug.
  'MDCCINT_EL1 2 0 0 2 0 : - : rw : own 0x60000000',
  'MDSCR_EL1 2 0 0 2 2 : - : rw : own 0x0c40f001',
  'MDCCSR_EL0 2 3 0 1 0 : r ? TDCC : r : value 0',
  'MDRAR_EL1 2 0 1 0 0 : - : r : value 0',
  'OSLAR_EL1 2 0 1 0 4 : - : w : special',
  'OSLSR_EL1 2 0 1 1 4 : - : r : special',
  'OSDLR_EL1 2 0 1 3 4 : - : rw : own 1',
  'DBGPRCR_EL1 2 0 1 4 4 : - : rw : own 1',
  'DBGCLAIMSET_EL1 2 0 7 8 6 : - : rw : value 0xff',
  'DBGCLAIMCLR_EL1 2 0 7 9 6 : - : rw : value 0',
  'DBGAUTHSTATUS_EL1 2 0 7 14 6 : - : r : value 0',
  // A value register is followed by its control register (assembly/arm64/breakpoints.ts).
  'DBGBVR0_EL1 2 0 0 0 4 : - : rw : own 0xfffffffffffffffc',
  'DBGBCR0_EL1 2 0 0 0 5 : - : rw : own 0x00ffe1e7',
  'DBGBVR1_EL1 2 0 0 1 4 : - : rw : own 0xfffffffffffffffc',
  'DBGBCR1_EL1 2 0 0 1 5 : - : rw : own 0x00ffe1e7',
  'DBGWVR0_EL1 2 0 0 0 6 : - : rw : own 0xfffffffffffffffc',
  'DBGWCR0_EL1 2 0 0 0 7 : - : rw : own 0x1f1fffff',
  'DBGWVR1_EL1 2 0 0 1 6 : - : rw : own 0xfffffffffffffffc',
  'DBGWCR1_EL1 2 0 0 1 7 : - : rw : own 0x1f1fffff',
  // Interrupt controller.
  'ICC_PMR_EL1 3 0 4 6 0 : - : rw : board',
  'ICC_IAR1_EL1 3 0 12 12 0 : - : r : board',
  'ICC_EOIR1_EL1 3 0 12 12 1 : - : w : board',
  'ICC_HPPIR1_EL1 3 0 12 12 2 : - : r : board',
  'ICC_BPR1_EL1 3 0 12 12 3 : - : rw : board',
  'ICC_CTLR_EL1 3 0 12 12 4 : - : rw : board',
  'ICC_SRE_EL1 3 0 12 12 5 : - : rw : board',
  'ICC_IGRPEN0_EL1 3 0 12 12 6 : - : rw : board',
  'ICC_IGRPEN1_EL1 3 0 12 12 7 : - : rw : board',
  'ICC_IAR0_EL1 3 0 12 8 0 : - : r : board',
  'ICC_EOIR0_EL1 3 0 12 8 1 : - : w : board',
  'ICC_HPPIR0_EL1 3 0 12 8 2 : - : r : board',
  'ICC_BPR0_EL1 3 0 12 8 3 : - : rw : board',
  'ICC_AP0R0_EL1 3 0 12 8 4 : - : rw : board',
  'ICC_AP1R0_EL1 3 0 12 9 0 : - : rw : board',
  'ICC_DIR_EL1 3 0 12 11 1 : - : w : board',
  'ICC_RPR_EL1 3 0 12 11 3 : - : r : board',
  'ICC_SGI1R_EL1 3 0 12 11 5 : - : w : board',
  'ICC_ASGI1R_EL1 3 0 12 11 6 : - : w : board',
  'ICC_SGI0R_EL1 3 0 12 11 7 : - : w : board',
];

/** A system register. */
export interface Arm64Register {
  readonly name: string;
  /** op0 (2 bits), op1 (3), CRn (4), CRm (4), op2 (3): bits 20 to 5 of MSR and MRS. */
  readonly encoding: number;
  /** Access at EL0, and the trap that decides it, if any. */
  readonly el0: string;
  readonly trap: string;
  readonly el1: string;
  readonly kind: string;
  /** BANK_* of a `bank`. */
  readonly bank: string;
  /** Slot in ARM64_REGISTERS of an `own`. */
  readonly slot: number;
  /** The value that a `value` reads; the writable bits of storage. */
  readonly bits: bigint;
}

/** Encoding of a system register. */
export function encodingOf(
  op0: number,
  op1: number,
  crn: number,
  crm: number,
  op2: number,
): number {
  return (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
}

/** All system registers. */
export const ARM64_REGISTER_TABLE: readonly Arm64Register[] = parseRegisters(ARM64_REGISTER_ROWS);

function parseRegisters(rows: readonly string[]): Arm64Register[] {
  let slots = 0;
  return rows.map((row) => {
    const [head = '', el0 = '', el1 = '', what = ''] = row.split(' : ');
    const [name = '', ...numbers] = head.split(' ');
    const [op0 = 0, op1 = 0, crn = 0, crm = 0, op2 = 0] = numbers.map(Number);
    const [access = '', trap = ''] = el0.split(' ? ');
    const [kind = '', ...rest] = what.split(' ');
    const bank = kind === 'bank' ? (rest.shift() ?? '') : '';
    const slot = kind === 'own' ? slots++ : -1;
    return {
      name,
      encoding: encodingOf(op0, op1, crn, crm, op2),
      el0: access,
      trap,
      el1,
      kind,
      bank,
      slot,
      bits: BigInt(rest[0] ?? '0xffffffffffffffff'),
    };
  });
}
