// SPDX-License-Identifier: MIT
// Logical operations, moves of immediates, bit fields. An immediate mask is computed at
// each execution, without a pool of constants: zero-extended c, c twice, or rotated ones.

import { amount, CHECK_SP, LOGICAL, low, setS, setZ, z } from './operands.mjs';

/** @typedef {import('../../../scripts/generate-arm64.mjs').Builder} Builder */

const OPERATORS = /** @type {const} */ ([
  ['AND', '&', ''],
  ['ORR', '|', ''],
  ['EOR', '^', ''],
  ['BIC', '&', '~'],
  ['ORN', '|', '~'],
  ['EON', '^', '~'],
]);
const MASKS = {
  C: 'u64(load<u32>(dp, 4))',
  T: '(u64(load<u32>(dp, 4)) * 0x100000001)',
  O: `rotr<u64>(u64(-1) >> ${amount(4)}, ${amount(5)})`,
};

/** The second operand of a register form. @param {string} kind @param {string} w */
function shifted(kind, w) {
  const m = z('M');
  if (kind === 'R') return m;
  if (w === '')
    return {
      L: `(${m} << ${amount(5)})`,
      S: `(${m} >> ${amount(5)})`,
      A: `u64(i64(${m}) >> i64(${amount(5)}))`,
      O: `rotr<u64>(${m}, ${amount(5)})`,
    }[kind];
  const by = 'load<u8>(dp, 5)';
  return {
    L: `u64(u32(${m}) << ${by})`,
    S: `u64(u32(${m}) >> ${by})`,
    A: `u64(i32(${m}) >> ${by})`,
    O: `u64(rotr<u32>(u32(${m}), ${by}))`,
  }[kind];
}

/** @param {Builder} g */
function immediates(g) {
  for (const [name, op] of OPERATORS.slice(0, 3)) {
    const both = (/** @type {string} */ suffix, /** @type {string} */ result) => {
      g.op(`${name}_I${suffix}`, result);
      // A result for SP, which it may misalign.
      g.slow(`${name}_I${suffix}_SP`, `${result} ${CHECK_SP}`);
    };
    for (const [kind, mask] of Object.entries(MASKS))
      both(kind, setS('A', `${z('B')} ${op} ${mask}`));
    both('32', setS('A', low(`${z('B')} ${op} ${MASKS.C}`)));
    const handler = (/** @type {string} */ sp) =>
      `(sf == 0 ? @${name}_I32${sp} : kind == MASK_C ? @${name}_IC${sp}
         : kind == MASK_T ? @${name}_IT${sp} : @${name}_IO${sp})`;
    const keeps = name === 'AND' ? 'Rd != 31 || (maskOf(c, kind) & 15) == 0' : 'Rd != 31';
    g.form(
      `${name}_IMM`,
      `const kind = maskKind(N, imms, immr), c = maskOperand(N, imms, immr, kind);
       put(${keeps} ? ${handler('')} : ${handler('_SP')}, spOf(Rd), zrOf(Rn), c);`,
    );
  }
  for (const d of ['', 'D']) {
    for (const [kind, mask] of Object.entries(MASKS))
      g.op(
        `ANDS_I${kind}${d}`,
        `{ const r = i64(${z('B')} & ${mask}); ${LOGICAL} ${d ? setZ('A', 'u64(r)') : ''} }`,
      );
    g.op(
      `ANDS_I${d}32`,
      `{ const r = i64(i32(${z('B')} & ${MASKS.C})); ${LOGICAL} ${d ? setZ('A', low('r')) : ''} }`,
    );
  }
  const handler = (/** @type {string} */ d) =>
    `(sf == 0 ? @ANDS_I${d}32 : kind == MASK_C ? @ANDS_IC${d} : kind == MASK_T ? @ANDS_IT${d} : @ANDS_IO${d})`;
  g.form(
    'ANDS_IMM',
    `const kind = maskKind(N, imms, immr); put(Rd == 31 ? ${handler('')} : ${handler('D')}, zrOf(Rd), zrOf(Rn), maskOperand(N, imms, immr, kind));`,
  );
}

/** @param {Builder} g */
function registers(g) {
  const kinds = ['R', 'L', 'S', 'A', 'O'];
  const choose = (/** @type {string} */ name, /** @type {string} */ suffix) => {
    const by = (/** @type {string} */ w) =>
      `(imm6 == 0 ? @${name}_R${suffix}${w} : shift == 0 ? @${name}_L${suffix}${w} : shift == 1 ? @${name}_S${suffix}${w} : shift == 2 ? @${name}_A${suffix}${w} : @${name}_O${suffix}${w})`;
    return `(sf != 0 ? ${by('')} : ${by('32')})`;
  };
  for (const [name, op, not] of OPERATORS) {
    for (const w of ['', '32'])
      for (const kind of kinds) {
        const value = `${z('B')} ${op} ${not}${shifted(kind, w)}`;
        // Forms that compilers rarely emit stay out of the fast loop.
        const isFast = kind === 'R' || (not === '' && (kind === 'L' || kind === 'S'));
        g[isFast ? 'op' : 'slow'](`${name}_${kind}${w}`, setZ('A', w ? low(value) : value));
      }
    const move =
      name === 'ORR'
        ? 'else if (Rn == 31 && imm6 == 0) put(sf != 0 ? @MOV : @MOV32, zrOf(Rd), 0, zrOf(Rm));'
        : '';
    g.form(
      `${name}_SHIFT`,
      `if (Rd == 31) nop(); ${move} else put(${choose(name, '')}, zrOf(Rd), zrOf(Rn), zrOf(Rm) | imm6 << 8);`,
    );
  }
  g.op('MOV', setZ('A', z('M')));
  g.op('MOV32', setZ('A', low(z('M'))));
  for (const [name, not] of [
    ['ANDS', ''],
    ['BICS', '~'],
  ]) {
    for (const w of ['', '32'])
      for (const kind of kinds)
        for (const d of ['', 'D']) {
          const value = `${z('B')} & ${not}${shifted(kind, w)}`;
          const r = w ? `i64(i32(${value}))` : `i64(${value})`;
          g[kind === 'R' ? 'op' : 'slow'](
            `${name}_${kind}${d}${w}`,
            `{ const r = ${r}; ${LOGICAL} ${d ? setZ('A', w ? low('r') : 'u64(r)') : ''} }`,
          );
        }
    g.form(
      `${name}_SHIFT`,
      `put(Rd == 31 ? ${choose(/** @type {string} */ (name), '')} : ${choose(/** @type {string} */ (name), 'D')}, zrOf(Rd), zrOf(Rn), zrOf(Rm) | imm6 << 8);`,
    );
  }
}

/** @param {Builder} g */
function moves(g) {
  g.op('MOVZ', setZ('A', `u64(load<u16>(dp, 4)) << ${amount(3)}`));
  g.op('MOVN', setZ('A', `~(u64(load<u16>(dp, 4)) << ${amount(3)})`));
  g.op('MOVN32', setZ('A', low(`~(u64(load<u16>(dp, 4)) << ${amount(3)})`)));
  const kept = `(${z('A')} & ~(u64(0xffff) << ${amount(3)}) | u64(load<u16>(dp, 4)) << ${amount(3)})`;
  g.op('MOVK', setZ('A', kept));
  g.op('MOVK32', setZ('A', low(kept)));
  g.form('MOVZ', 'if (Rd == 31) nop(); else put(@MOVZ, zrOf(Rd), hw << 4, imm16);');
  for (const name of ['MOVN', 'MOVK'])
    g.form(
      name,
      `if (Rd == 31) nop(); else put(sf != 0 ? @${name} : @${name}32, zrOf(Rd), hw << 4, imm16);`,
    );
}

/** @param {Builder} g */
function bitfields(g) {
  const b = z('B');
  g.op('LSL', setZ('A', `${b} << ${amount(4)}`));
  g.op('LSR', setZ('A', `${b} >> ${amount(4)}`));
  g.op('LSL32', setZ('A', `u64(u32(${b}) << load<u8>(dp, 4))`));
  g.op('LSR32', setZ('A', `u64(u32(${b}) >> load<u8>(dp, 4))`));
  g.op('UBF', setZ('A', `${b} << ${amount(4)} >> ${amount(5)} << ${amount(6)}`));
  const signed = `u64(i64(${b} << ${amount(4)}) >> i64(${amount(5)}) << i64(${amount(6)}))`;
  g.op('SBF', setZ('A', signed));
  g.op('SBF32', setZ('A', low(signed)));
  const field = `(u64(-1) >> ${amount(5)})`;
  const inserted = `(${z('A')} & ~(${field} << ${amount(6)}) | (${b} >> ${amount(4)} & ${field}) << ${amount(6)})`;
  g.op('BFM', setZ('A', inserted));
  g.op('BFM32', setZ('A', low(inserted)));
  // Either a field moves to bit 0 (imms >= immr), or the lowest imms + 1 bits move to bit
  // width - immr.
  const size = 'const size: u32 = sf != 0 ? 64 : 32;';
  const operands =
    'imms >= immr ? 63 - imms | 63 - imms + immr << 8 : 63 - imms | 63 - imms << 8 | size - immr << 16';
  g.form(
    'UBFM',
    `${size} if (Rd == 31) nop();
     else if (imms == size - 1) put(sf != 0 ? @LSR : @LSR32, zrOf(Rd), zrOf(Rn), immr);
     else if (imms + 1 == immr) put(sf != 0 ? @LSL : @LSL32, zrOf(Rd), zrOf(Rn), size - immr);
     else put(@UBF, zrOf(Rd), zrOf(Rn), ${operands});`,
  );
  g.form(
    'SBFM',
    `${size} if (Rd == 31) nop(); else put(sf != 0 ? @SBF : @SBF32, zrOf(Rd), zrOf(Rn), ${operands});`,
  );
  g.form(
    'BFM',
    `${size} if (Rd == 31) nop();
     else put(sf != 0 ? @BFM : @BFM32, zrOf(Rd), zrOf(Rn), imms >= immr ? immr | 63 - imms + immr << 8 : 63 - imms << 8 | size - immr << 16);`,
  );
  g.op('EXTR', setZ('A', `${z('M')} >> ${amount(5)} | ${b} << (64 - ${amount(5)})`));
  g.op(
    'EXTR32',
    setZ('A', `u64(u32(${z('M')}) >> load<u8>(dp, 5) | u32(${b}) << (32 - load<u8>(dp, 5)))`),
  );
  g.form(
    'EXTR',
    `if (Rd == 31) nop();
     else if (imms == 0) put(sf != 0 ? @MOV : @MOV32, zrOf(Rd), 0, zrOf(Rm));
     else put(sf != 0 ? @EXTR : @EXTR32, zrOf(Rd), zrOf(Rn), zrOf(Rm) | imms << 8);`,
  );
}

/** @param {Builder} g */
export function logical(g) {
  immediates(g);
  registers(g);
  moves(g);
  bitfields(g);
}
