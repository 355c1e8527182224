// SPDX-License-Identifier: MIT
// Loads and stores: the common ones inline, with the lookup in the soft TLB; all others
// through `access`, a function that takes the instruction. Nothing is written until every
// part of an access is known to be possible.

import { amount, CHECK_SP, IMMEDIATE, low, PC, SLOW, s, setS, setZ, TRAP, z } from './operands.mjs';

/** @typedef {import('../../../scripts/generate-arm64.mjs').Builder} Builder */

/** Size in bytes, and the 64-bit value for the register. */
const LOADS = {
  LDRB: [1, 'u64(load<u8>(h))'],
  LDRSB_64: [1, 'u64(i64(load<i8>(h)))'],
  LDRSB: [1, low('i32(load<i8>(h))')],
  LDRH: [2, 'u64(load<u16>(h))'],
  LDRSH_64: [2, 'u64(i64(load<i16>(h)))'],
  LDRSH: [2, low('i32(load<i16>(h))')],
  LDR_32: [4, 'u64(load<u32>(h))'],
  LDRSW: [4, 'u64(i64(load<i32>(h)))'],
  LDR_64: [8, 'load<u64>(h)'],
};
const STORES = { STRB: [1, 'u8'], STRH: [2, 'u16'], STR_32: [4, 'u32'], STR_64: [8, 'u64'] };

/**
 * The page address that is compared with the TLB: one comparison detects a miss, a
 * missing permission, and an access that crosses pages.
 */
const ENTRY = 'const entry = tlb + (usize(va) >> 8 & 0x3ff0);';
const tagOf = (/** @type {number} */ size) => `(va + ${size - 1} & ~0xfff)`;

/**
 * A load in the fast loop and in the slow one: finds `h`, the host address of `size`
 * bytes at `va`, which in the slow loop may be that of a copy.
 * @param {Builder} g @param {string} name @param {string} address @param {number} size
 * @param {string} rest The code that follows. @param {number} element
 */
function load(g, name, address, size, rest, element = size) {
  const slow = `{ const va = ${address}; const h = slowLoad(cpu, va, ${size}, ${element});
       if (h == 0) { ${TRAP} } ${rest} }`;
  // Forms that compilers rarely emit stay out of the fast loop.
  if (/^LDRS[BHW].*_(PRE|POST)$|^LDPSW/.test(name)) {
    g.slow(name, slow);
    return;
  }
  g.op(
    name,
    `{ const va = ${address}; ${ENTRY}
       if (load<u64>(entry) != ${tagOf(size)}) { ${SLOW} }
       const h = usize(va) + load<u32>(entry, 8); ${rest} }`,
    slow,
  );
}

/**
 * A store in both loops.
 * @param {Builder} g @param {string} name @param {string} address @param {number} size
 * @param {string} stores Stores at `h`. @param {readonly string[]} halves The stored
 *   values.
 * @param {string} after @param {number} element
 */
function store(g, name, address, size, stores, [first, second = '0'], after, element = size) {
  g.op(
    name,
    `{ const va = ${address}; ${ENTRY}
       if (load<u64>(entry, ARM64_TLB_WRITE) != ${tagOf(size)}) { ${SLOW} }
       const h = usize(va) + load<u32>(entry, ARM64_TLB_WRITE + 8); ${stores} ${after} }`,
    `{ const va = ${address};
       store<usize>(cpu, dp, ARM64_DP);
       if (!slowStore(cpu, va, ${size}, ${element}, ${first}, ${second})) { ${TRAP} } ${after} }`,
  );
}

/** Address modes: the address, and the code that follows the access. */
const MODES = {
  I: [`${s('B')} + ${IMMEDIATE}`, ''],
  PRE: [`${s('B')} + ${IMMEDIATE}`, setS('B', 'va')],
  POST: [s('B'), setS('B', `va + ${IMMEDIATE}`)],
  R: [`${s('B')} + (${z('M')} << ${amount(5)})`, ''],
  XU: [`${s('B')} + (u64(u32(${z('M')})) << ${amount(5)})`, ''],
  XS: [`${s('B')} + (u64(i64(i32(${z('M')}))) << ${amount(5)})`, ''],
};

/** @param {Builder} g */
function handlers(g) {
  for (const [mode, [address, after]] of Object.entries(MODES)) {
    for (const [name, [size, value]] of Object.entries(LOADS))
      load(
        g,
        `${name}_${mode}`,
        address,
        Number(size),
        `const value = ${value}; ${after} ${setZ('A', 'value')}`,
      );
    for (const [name, [size, type]] of Object.entries(STORES)) {
      const value = z('A');
      const stores = `store<${type}>(h, ${type === 'u64' ? value : `<${type}>${value}`});`;
      store(g, `${name}_${mode}`, address, Number(size), stores, [value], after);
    }
  }
  /** @type {Readonly<Record<string, readonly [string, string]>>} */
  const modes = {
    OFF: [`${s('B')} + u64(i64(load<i16>(dp, 6)))`, ''],
    PRE: [`${s('B')} + u64(i64(load<i16>(dp, 6)))`, setS('B', 'va')],
    POST: [s('B'), setS('B', 'va + u64(i64(load<i16>(dp, 6)))')],
  };
  const pairs = {
    LDP_32: ['u64(load<u32>(h))', 'u64(load<u32>(h, 4))', 8],
    LDPSW: ['u64(i64(load<i32>(h)))', 'u64(i64(load<i32>(h, 4)))', 8],
    LDP_64: ['load<u64>(h)', 'load<u64>(h, 8)', 16],
  };
  for (const [mode, [address, after]] of Object.entries(modes)) {
    for (const [name, [first, second, size]] of Object.entries(pairs))
      load(
        g,
        `${name}_${mode}`,
        address,
        Number(size),
        `const first = ${first}, second = ${second}; ${after} ${setZ('A', 'first')} ${setZ('M', 'second')}`,
        Number(size) / 2,
      );
    const [a, m] = [z('A'), z('M')];
    const two = `store<u64>(h, ${a}); store<u64>(h, ${m}, 8);`;
    store(g, `STP_64_${mode}`, address, 16, two, [a, m], after, 8);
    const both = `${low(a)} | ${m} << 32`;
    store(g, `STP_32_${mode}`, address, 8, `store<u64>(h, ${both});`, [both], after, 4);
  }
  for (const name of ['LDR_32', 'LDR_64', 'LDRSW']) {
    const [size, value] = LOADS[/** @type {'LDR_32'} */ (name)];
    const address = `${PC} + u64(i64(load<i32>(dp, 4)))`;
    load(g, `${name}_LIT`, address, Number(size), setZ('A', String(value)));
  }
  // A literal into XZR: only checks whether it can be read.
  g.slow(
    'LITERAL_ZR',
    `{ const va = ${PC} + u64(i64(load<i32>(dp, 4))); if (slowLoad(cpu, va, load<u8>(dp, 3), load<u8>(dp, 3)) == 0) { ${TRAP} } }`,
  );
  g.slow(
    'ACCESS',
    `store<usize>(cpu, dp, ARM64_DP); if (!access(cpu, load<u32>(dp, 4))) { ${TRAP} } ${CHECK_SP}`,
  );
}

/** @param {Builder} g */
function forms(g) {
  const general = 'put(@ACCESS, 0, 0, word);';
  const names = [...Object.keys(LOADS), ...Object.keys(STORES)];
  for (const name of names) {
    const isLoad = name in LOADS;
    const zero = isLoad ? `if (Rt == 31) ${general} else ` : '';
    const bytes = Number(
      isLoad ? LOADS[/** @type {'LDRB'} */ (name)][0] : STORES[/** @type {'STRB'} */ (name)][0],
    );
    g.form(`${name}_UIMM`, `${zero}put(@${name}_I, zrOf(Rt), spOf(Rn), imm12 * ${bytes});`);
    const letter = name.replace(/^(LD|ST)R/, '$1UR');
    g.form(letter, `${zero}put(@${name}_I, zrOf(Rt), spOf(Rn), u32(signed(imm9, 9)));`);
    g.form(name.replace(/^(LD|ST)R/, '$1TR'), general);
    // Rt equals the base: CONSTRAINED UNPREDICTABLE, here UNDEFINED. A form that may
    // misalign SP is checked for that, and is not executed by the loops.
    for (const mode of ['PRE', 'POST'])
      g.form(
        `${name}_${mode}`,
        `if (Rn == Rt && Rn != 31) undefined();
         else if (Rn == 31 && (imm9 & 15) != 0) ${general}
         else ${zero}put(@${name}_${mode}, zrOf(Rt), spOf(Rn), u32(signed(imm9, 9)));`,
      );
    g.form(
      `${name}_REG`,
      `${zero}put(option == 2 ? @${name}_XU : option == 6 ? @${name}_XS : @${name}_R, zrOf(Rt), spOf(Rn), zrOf(Rm) | (S != 0 ? ${Math.log2(bytes)} : 0) << 8);`,
    );
  }
  for (const name of ['PRFM_UIMM', 'PRFUM', 'PRFM_REG', 'PRFM_LIT']) g.form(name, 'nop();');
  for (const [name, bytes] of [
    ['LDR_32', 4],
    ['LDR_64', 8],
    ['LDRSW', 4],
  ])
    g.form(
      `${name}_LIT`,
      `const offset = u32(signed(imm19, 19) << 2); if (Rt == 31) put(@LITERAL_ZR, 0, ${bytes}, offset); else put(@${name}_LIT, zrOf(Rt), 0, offset);`,
    );
  for (const name of ['STP_32', 'LDP_32', 'LDPSW', 'STP_64', 'LDP_64'])
    for (const mode of ['OFF', 'PRE', 'POST', 'NP']) {
      if (mode === 'NP' && name === 'LDPSW') continue;
      const isLoad = name.startsWith('L');
      const scale = name.endsWith('64') ? 3 : 2;
      const back =
        mode === 'PRE' || mode === 'POST' ? 'Rn != 31 && (Rn == Rt || Rn == Rt2)' : 'false';
      const clash = isLoad ? `Rt == Rt2 || ${back}` : back;
      const handler = `@${name}_${mode === 'NP' ? 'OFF' : mode}`;
      g.form(
        mode === 'NP' ? name.replace('P', 'NP') : `${name}_${mode}`,
        `if (${clash}) undefined(); ${isLoad ? `else if (Rt == 31 || Rt2 == 31) ${general}` : ''}
         ${back === 'false' ? '' : `else if (Rn == 31 && (imm7 << ${scale} & 15) != 0) ${general}`}
         else put(${handler}, zrOf(Rt), spOf(Rn), zrOf(Rt2) | u32(signed(imm7, 7) << ${scale}) << 16);`,
      );
    }
  for (const { name, group } of g.table)
    if (['exclusive', 'compare-and-swap', 'atomic', 'acquire'].includes(group)) {
      // A pair into one register, or a status register that is also stored: CONSTRAINED
      // UNPREDICTABLE, here UNDEFINED.
      const clash = /^LDA?XP/.test(name)
        ? 'Rt == Rt2'
        : /^STL?XP/.test(name)
          ? 'Rs == Rt || Rs == Rt2 || Rs == Rn && Rn != 31'
          : /^STL?XR/.test(name)
            ? 'Rs == Rt || Rs == Rn && Rn != 31'
            : '';
      g.form(name, clash ? `if (${clash}) undefined(); else ${general}` : general);
    }
  for (const { name, feature } of g.table) if (feature === 'FP') g.form(name, 'undefined();');
}

/** @param {Builder} g */
export function memory(g) {
  handlers(g);
  forms(g);
}
