// SPDX-License-Identifier: MIT
// Branches, PC-relative addresses, exceptions and system instructions, and the special
// records.

import { CONDITIONS, jump, NEAR, PC, SLOW, setZ, special, TRAP, take, z } from './operands.mjs';

/** @typedef {import('../../../scripts/generate-arm64.mjs').Builder} Builder */

/**
 * Stores the values of the locals in the block; `count` is 8 times the instructions of
 * this run. @param {string} count
 */
const publish = (count) => `store<u32>(cpu, flags(fa, fb, fk), ARM64_NZCV);
  store<u64>(cpu, load<u64>(cpu, ARM64_STARTED) + u64((${count}) >> 3), ARM64_COUNT);`;
/**
 * Loads the locals for the PC in the block; `count` is 8 times the instructions of this
 * run.
 */
const RELOAD = `dp = locate(cpu);
  fa = i64(load<u32>(cpu, ARM64_NZCV)); fk = NZCV;
  acc = count - dp;`;
/**
 * The end of the slice, after RELOAD. The record for a PC that cannot be fetched leaves
 * the run by itself, and belongs to no PC: the limit check must not compute a PC from it.
 */
const LIMIT_AFTER_RELOAD = `if (count > load<u32>(cpu, ARM64_LIMIT) && dp != cpu + ARM64_RECORD_WEDGED) { ${special('ARM64_RECORD_LIMIT')} }`;
const AT = 'load<u32>(cpu, ARM64_TRAP_RECORD_AT)';

/** @param {Builder} g */
export function specialRecords(g) {
  // The first handlers: a record of zeros has not been decoded.
  g.slow('DECODE', `decodeRecord(cpu, dp, dp - ((usize(${PC}) & 0xfff) << 1)); continue;`);
  g.slow('UNDEFINED', `undefinedInstruction(cpu); ${TRAP}`);
  g.slow(
    'TRAP',
    `{ dp = ${AT};
       const count = acc + dp + 8;
       ${publish('count')}
       store<u64>(cpu, ${PC}, ARM64_PC);
       takeFault(cpu);
       ${RELOAD}
       ${LIMIT_AFTER_RELOAD}
       continue; }`,
  );
  g.slow(
    'FETCH',
    `{ const count = acc + ${AT} + 8;
       ${publish('count')}
       ${RELOAD}
       ${LIMIT_AFTER_RELOAD}
       continue; }`,
  );
  g.slow(
    'LIMIT',
    `{ dp = ${AT};
       const count = acc + dp;
       if (isSample(cpu, dp, ${PC}, u32(count))) continue;
       ${publish('count')}
       store<u64>(cpu, ${PC}, ARM64_PC);
       const exit = boundary(cpu, u32(count));
       if (exit >= 0) return exit;
       ${RELOAD}
       continue; }`,
  );
  // A record that IC has discarded, while other threads may execute it.
  g.slow(
    'FORGOTTEN',
    `{ const aside = decodeForgotten(cpu, dp, dp - ((usize(${PC}) & 0xfff) << 1));
       if (aside != 0) {
         store<u64>(cpu, load<u64>(cpu, ARM64_PC_OFFSET) + u64(dp >> 1) - u64(aside >> 1), ARM64_PC_OFFSET);
         acc += dp - aside; dp = aside;
       }
       continue; }`,
  );
  // A word that has been stored to: no part of it has been executed yet.
  g.slow(
    'STALE',
    `{ const pc = ${PC};
       if (foundStale(cpu, dp, pc)) {
         const count = acc + dp;
         ${publish('count')}
         store<u64>(cpu, pc, ARM64_PC);
         return ARM64_EXIT_STALE;
       }
       continue; }`,
  );
  // An instruction that the fast loop leaves to the slow one.
  g.slow('SLOW', `dp = ${AT}; continue;`);
  // Follows the copy of an instruction that is stepped.
  g.slow('STOP', special('ARM64_RECORD_LIMIT'));
  // The PC in the block cannot be fetched, and neither can the exception's handler.
  g.slow('WEDGED', 'return load<i32>(cpu, ARM64_EXIT);');
  g.neither('REGION');
  // Follows a record that was replaced by that of a region.
  g.op(
    'RESUME',
    `{ const target: usize = load<u32>(dp, 4);
       store<u64>(cpu, load<u64>(cpu, ARM64_PC_OFFSET) + u64(dp >> 1) - u64(target >> 1), ARM64_PC_OFFSET);
       acc += dp - target; dp = target; continue; }`,
  );
  g.op('NOP', '');
  g.op('PAGE_END', jump(PC, 0));
}

/** @param {Builder} g */
function branches(g) {
  // Inside the page: c is the distance in bytes of records. Others: through the TLB, c is
  // the distance in bytes.
  const far = `${PC} + u64(i64(load<i32>(dp, 4)))`;
  const link = `store<u64>(cpu, ${PC} + 4, ARM64_X30);`;
  g.op('B', take(NEAR));
  g.op('B_FAR', jump(far));
  g.op('BL', `${link} ${take(NEAR)}`);
  g.op('BL_FAR', `${link} ${jump(far)}`);
  g.op('BR', jump(z('B')));
  // The target is read first: it may be X30.
  g.op('BLR', `{ const branch = ${z('B')}; ${link} ${jump('branch')} }`);
  for (const [index, { holds }] of CONDITIONS.entries())
    g.op(`BCOND_${index}`, `if (${holds}) ${take(NEAR)}`);
  for (const [index, { holds }] of CONDITIONS.entries())
    g.op(`BCOND_FAR_${index}`, `if (${holds}) ${jump(far)}`);
  const zero = { CBZ: '== 0', CBNZ: '!= 0' };
  for (const [name, test] of Object.entries(zero))
    for (const w of ['', '32']) {
      const holds = w ? `u32(${z('A')}) ${test}` : `${z('A')} ${test}`;
      g.op(`${name}${w}`, `if (${holds}) ${take(NEAR)}`);
      g.op(`${name}_FAR${w}`, `if (${holds}) ${jump(far)}`);
    }
  const bit = { TBZ: '== 0', TBNZ: '!= 0' };
  for (const [name, test] of Object.entries(bit)) {
    const holds = `(${z('A')} >> u64(load<u8>(dp, 3)) & 1) ${test}`;
    g.op(name, `if (${holds}) ${take(NEAR)}`);
    g.op(`${name}_FAR`, `if (${holds}) ${jump(far)}`);
  }
  const put = (
    /** @type {string} */ near,
    /** @type {string} */ other,
    /** @type {string} */ a,
    /** @type {string} */ b,
  ) =>
    `if (isNear(offset, at)) put(${near}, ${a}, ${b}, u32(offset << 1)); else put(${other}, ${a}, ${b}, u32(offset));`;
  g.form('B', `const offset = signed(imm26, 26) << 2; ${put('@B', '@B_FAR', '0', '0')}`);
  g.form('BL', `const offset = signed(imm26, 26) << 2; ${put('@BL', '@BL_FAR', '0', '0')}`);
  g.form(
    'BCOND',
    `const offset = signed(imm19, 19) << 2;
     if (cond >= 14) { ${put('@B', '@B_FAR', '0', '0')} }
     else { ${put('@BCOND_0 + cond', '@BCOND_FAR_0 + cond', '0', '0')} }`,
  );
  for (const name of ['CBZ', 'CBNZ'])
    g.form(
      name,
      `const offset = signed(imm19, 19) << 2;
       ${put(`sf != 0 ? @${name} : @${name}32`, `sf != 0 ? @${name}_FAR : @${name}_FAR32`, 'zrOf(Rt)', '0')}`,
    );
  for (const name of ['TBZ', 'TBNZ'])
    g.form(
      name,
      `const offset = signed(imm14, 14) << 2; ${put(`@${name}`, `@${name}_FAR`, 'zrOf(Rt)', '(b5 << 5 | b40)')}`,
    );
  g.form('BR', 'put(@BR, 0, zrOf(Rn), 0);');
  g.form('RET', 'put(@BR, 0, zrOf(Rn), 0);');
  g.form('BLR', 'put(@BLR, 0, zrOf(Rn), 0);');
  g.op('ADR', setZ('A', far));
  g.op('ADRP', setZ('A', `(${PC} & ~0xfff) + (u64(i64(load<i32>(dp, 4))) << 12)`));
  g.form(
    'ADR',
    'if (Rd == 31) nop(); else put(@ADR, zrOf(Rd), 0, u32(signed(immhi << 2 | immlo, 21)));',
  );
  g.form(
    'ADRP',
    'if (Rd == 31) nop(); else put(@ADRP, zrOf(Rd), 0, u32(signed(immhi << 2 | immlo, 21)));',
  );
}

/** An instruction that `executeSystem` executes; the record has its word. */
const SYSTEM = `{ const count = acc + dp + 8;
   ${publish('count')}
   store<u64>(cpu, ${PC}, ARM64_PC);
   store<usize>(cpu, dp, ARM64_DP);
   const next = executeSystem(cpu, load<u32>(dp, 4));
   if (next == NEXT) {
     fa = i64(load<u32>(cpu, ARM64_NZCV)); fk = NZCV;
   } else if (next == AGAIN) {
     ${RELOAD}
     ${LIMIT_AFTER_RELOAD}
     continue;
   } else return next; }`;

/** @param {Builder} g */
function system(g) {
  g.slow('SYSTEM', SYSTEM);
  // The registers that a kernel reads very often: plain storage, which EL0 may not
  // access.
  const onlyIf = (
    /** @type {string} */ name,
    /** @type {string} */ condition,
    /** @type {string} */ body,
  ) =>
    g.op(
      name,
      `if (${condition}) { ${body} } else { ${SLOW} }`,
      `if (${condition}) { ${body} } else { undefinedInstruction(cpu); ${TRAP} }`,
    );
  const el1 = 'load<u32>(cpu, ARM64_EL) != 0';
  onlyIf('MRS_EL1', el1, setZ('A', 'load<u64>(cpu + load<u32>(dp, 4))'));
  onlyIf('MSR_EL1', el1, `store<u64>(cpu + load<u32>(dp, 4), ${z('A')});`);
  // SP_EL0 while EL1 uses its own stack pointer: Linux stores the current task there.
  const other = 'load<u32>(cpu, ARM64_SPSEL) != 0';
  onlyIf('MRS_SP_EL0', other, setZ('A', 'load<u64>(cpu, ARM64_BANK + BANK_SP)'));
  onlyIf('MSR_SP_EL0', other, `store<u64>(cpu, ${z('A')}, ARM64_BANK + BANK_SP);`);
  g.op('MRS_EL0', setZ('A', 'load<u64>(cpu + load<u32>(dp, 4))'));
  g.op('MSR_EL0', `store<u64>(cpu + load<u32>(dp, 4), ${z('A')});`);
  g.op('BARRIER', 'atomic.add<u32>(cpu + ARM64_BARRIER, 0);');
  const slow = 'put(@SYSTEM, 0, 0, word);';
  for (const name of [
    'SVC',
    'HVC',
    'SMC',
    'BRK',
    'HLT',
    'ERET',
    'MSR_PAN',
    'MSR_SPSel',
    'MSR_DAIFSet',
    'MSR_DAIFClr',
    'SYS',
    'SYSL',
    'ISB',
  ])
    g.form(name, slow);
  for (const name of ['MSR', 'MRS'])
    g.form(
      name,
      `const fast = fastRegister(word);
       if (fast == 0) ${slow}
       else if (${name === 'MRS' ? 'Rt == 31' : '(fast & FAST_READ_ONLY) != 0'}) ${slow}
       else if (fast == FAST_SP_EL0) put(@${name}_SP_EL0, zrOf(Rt), 0, word);
       else put((word >> 16 & 7) == 3 ? @${name}_EL0 : @${name}_EL1, zrOf(Rt), 0, fast & 0xffff);`,
    );
  // WFE, WFI, SEV, SEVL; all other hints do nothing.
  g.form('HINT', `if (CRm == 0 && op2 >= 2 && op2 <= 5) ${slow} else nop();`);
  for (const name of ['DMB', 'SB']) g.form(name, 'put(@BARRIER, 0, 0, 0);');
  // DSB waits until other vCPUs, on their own threads, have handled its requests.
  g.op(
    'DSB',
    `if (load<u32>(cpu, ARM64_POSTED) != 0) { ${SLOW} } atomic.add<u32>(cpu + ARM64_BARRIER, 0);`,
    SYSTEM,
  );
  g.form('DSB', 'put(@DSB, 0, 0, word);');
  g.form('CLREX', 'put(@CLREX, 0, 0, 0);');
  g.op('CLREX', 'store<u32>(cpu, 0, ARM64_MONITOR_AT);');
  // Debug state is never entered, and these instructions exist for it.
  for (const name of ['DCPS1', 'DCPS2', 'DCPS3', 'DRPS']) g.form(name, 'undefined();');
}

/** @param {Builder} g */
export function control(g) {
  branches(g);
  system(g);
}
