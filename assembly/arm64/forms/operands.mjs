// SPDX-License-Identifier: MIT
// AssemblyScript expressions from which the handlers are built. In a handler `dp` is the
// address of the record, `cpu` that of the vCPU block; fields of the record: A is byte 2,
// B byte 3, M byte 4, N byte 6, each the offset of a register. The fast loop calls no
// functions, so these are expressions and not functions where it needs them.

const AT = { A: 2, B: 3, M: 4, N: 6 };

/** @typedef {keyof typeof AT} Field */

/** A register, XZR for 31. @param {Field} field */
export const z = (field) => `load<u64>(cpu + load<u8>(dp, ${AT[field]}))`;
/** A register, SP for 31. @param {Field} field */
export const s = (field) => `load<u64>(cpu + load<u8>(dp, ${AT[field]}), 8)`;
/** Writes a register that is not XZR. @param {Field} field @param {string} value */
export const setZ = (field, value) => `store<u64>(cpu + load<u8>(dp, ${AT[field]}), ${value});`;
/** Writes a register, SP for 31. @param {Field} field @param {string} value */
export const setS = (field, value) => `store<u64>(cpu + load<u8>(dp, ${AT[field]}), ${value}, 8);`;

/** c as a signed number of 64 bits. */
export const IMMEDIATE = 'u64(i64(load<i32>(dp, 4)))';
/** Byte `at` of the record as a shift. @param {number} at */
export const amount = (at) => `u64(load<u8>(dp, ${at}))`;
/** The low 32 bits, zero-extended. @param {string} value */
export const low = (value) => `u64(u32(${value}))`;

/** PC of the record. */
export const PC = '(load<u64>(cpu, ARM64_PC_OFFSET) + u64(dp >> 1))';
/** Continues with a special record; `dp` stays in the block. @param {string} record */
export const special = (record) =>
  `store<u32>(cpu, dp, ARM64_TRAP_RECORD_AT); dp = cpu + ${record}; continue;`;
/** The instruction takes the exception in ARM64_FAULT_*. */
export const TRAP = special('ARM64_RECORD_TRAP');
/** The fast loop leaves the record to the slow one. */
export const SLOW = special('ARM64_RECORD_SLOW');

/**
 * Follows a write of SP that may have misaligned it: the next instructions may need
 * checks (stepwise.ts). Nothing else in the loops checks the alignment of SP.
 */
export const CHECK_SP = `if ((load<u64>(cpu, ARM64_SP) & 15) != 0) { dp += 8; ${special('ARM64_RECORD_LIMIT')} }`;

/** Checks for the end of the slice, once `dp` is the target of a branch. */
const CHECK_LIMIT = `if (acc + dp > load<u32>(cpu, ARM64_LIMIT)) { ${special('ARM64_RECORD_LIMIT')} } continue;`;
/** A taken branch to a record of the same page. @param {string} target */
export const take = (target) =>
  `{ const target: usize = ${target}; acc += dp + 8 - target; dp = target; ${CHECK_LIMIT} }`;
/** The target of a branch inside its page. */
export const NEAR = 'dp + load<u32>(dp, 4)';
/**
 * A branch to a virtual address. @param {string} address @param {number} length 8, or 0
 * where no instruction branches.
 */
export const jump = (address, length = 8) => `{
  const to: u64 = ${address};
  const entry = tlb + (usize(to) >> 8 & 0xff0);
  if (load<u64>(entry, ARM64_TLB_FETCH) == (to & ~0xffc)) {
    const records: usize = load<u32>(entry, ARM64_TLB_FETCH + 8);
    store<u64>(cpu, (to & ~0xfff) - u64(records >> 1), ARM64_PC_OFFSET);
    const target = records + ((usize(to) & 0xfff) << 1);
    acc += dp + ${length} - target;
    dp = target;
    ${CHECK_LIMIT}
  }
  store<u64>(cpu, to, ARM64_PC);
  ${length === 8 ? '' : 'dp -= 8;'}
  ${special('ARM64_RECORD_FETCH')}
}`;

/** Lazy flags of a comparison of x and y: operands of 32 bits in the high half. */
export const COMPARED = 'fa = x; fb = y; fk = SUB;';
/** Lazy flags of a logical result. */
export const LOGICAL = 'fa = r; fb = 0; fk = LOGIC;';
/** Flags whose value is known. @param {string} nzcv Bits 31 to 28 of a u32. */
export const known = (nzcv) => `fa = i64(${nzcv}); fk = NZCV;`;

/** C as 0 or 1, of 32 bits. */
export const CARRY = '(fk == SUB ? u32(u64(fa) >= u64(fb)) : fk == NZCV ? u32(fa >> 29) & 1 : 0)';
/**
 * Flags of x + y, of which `sum` is the result: all u64, with operands of 32 bits in the
 * high half.
 */
export const SUM_FLAGS =
  'u32(sum >> 32) & 0x80000000 | u32(sum == 0) << 30 | u32(sum < x) << 29 | u32(((x ^ sum) & (y ^ sum)) >> 63) << 28';
const OVERFLOW =
  '(fk == SUB ? ((fa ^ fb) & (fa ^ (fa - fb))) < 0 : fk == NZCV && (fa & 0x10000000) != 0)';
const N_IS_V = '((fa >> 31 ^ fa >> 28) & 1) == 0';
/** @type {Readonly<Record<string, string>>} */
const TRUE = {
  EQ: '(fk < NZCV ? fa == fb : (fa & 0x40000000) != 0)',
  CS: '(fk == SUB ? u64(fa) >= u64(fb) : fk == NZCV && (fa & 0x20000000) != 0)',
  MI: '(fk == NZCV ? (fa & 0x80000000) != 0 : fa - fb < 0)',
  VS: OVERFLOW,
  HI: '(fk == SUB ? u64(fa) > u64(fb) : fk == NZCV && (fa & 0x60000000) == 0x20000000)',
  GE: `(fk < NZCV ? fa >= fb : ${N_IS_V})`,
  GT: `(fk < NZCV ? fa > fb : (fa & 0x40000000) == 0 && ${N_IS_V})`,
};
/** Conditions by number, 0 to 13: the odd ones negate the even ones. */
export const CONDITIONS = Object.entries(TRUE).flatMap(([name, holds]) => [
  { name, holds },
  { name: `N${name}`, holds: `!${holds}` },
]);
