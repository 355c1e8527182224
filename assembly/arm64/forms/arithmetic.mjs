// SPDX-License-Identifier: MIT
// Additions and subtractions: flags of subtractions are lazy, those of additions are
// computed.

import {
  amount,
  CARRY,
  CHECK_SP,
  COMPARED,
  IMMEDIATE,
  known,
  low,
  SUM_FLAGS,
  s,
  setS,
  setZ,
  z,
} from './operands.mjs';

/** @typedef {import('../../../scripts/generate-arm64.mjs').Builder} Builder */

const WIDTHS = /** @type {const} */ (['', '32']);

/**
 * The second operand, by kind: an expression of 64 bits, with 32-bit operands in its low
 * half.
 * @param {string} kind @param {'' | '32'} w
 */
function second(kind, w) {
  const m = z('M');
  const extended = kind.startsWith('X');
  if (extended) {
    const cut = `(${m} << ${amount(5)})`;
    return kind === 'XU'
      ? `(${cut} >> ${amount(5)} << ${amount(6)})`
      : `u64(i64(${cut}) >> i64(${amount(5)}) << i64(${amount(6)}))`;
  }
  if (kind === 'I') return IMMEDIATE;
  if (kind === 'R') return m;
  if (kind === 'L') return `(${m} << ${amount(5)})`;
  if (w)
    return kind === 'S' ? `u64(u32(${m}) >> load<u8>(dp, 5))` : `u64(i32(${m}) >> load<u8>(dp, 5))`;
  return kind === 'S' ? `(${m} >> ${amount(5)})` : `u64(i64(${m}) >> i64(${amount(5)}))`;
}

/**
 * Kinds of second operands: immediate, register, shifted LSL, LSR, ASR, extended unsigned
 * and signed.
 */
const KINDS = ['I', 'R', 'L', 'S', 'A', 'XU', 'XS'];

/** @param {Builder} g */
function handlers(g) {
  for (const w of WIDTHS)
    for (const kind of KINDS) {
      const sp = kind === 'I' || kind.startsWith('X');
      const first = sp ? s('B') : z('B');
      const set = sp ? setS : setZ;
      const wide = (/** @type {string} */ value) => (w ? low(value) : value);
      const operand = (/** @type {string} */ value) =>
        w ? `i64(u64(${value}) << 32)` : `i64(${value})`;
      const add = set('A', wide(`${first} + ${second(kind, w)}`));
      const subtract = set('A', wide(`${first} - ${second(kind, w)}`));
      g.op(`ADD_${kind}${w}`, add);
      if (kind !== 'I') g.op(`SUB_${kind}${w}`, subtract);
      // Results for SP, which they may misalign.
      const toStack = w || kind === 'XS' ? 'slow' : 'op';
      if (sp) g[toStack](`ADD_${kind}_SP${w}`, `${add} ${CHECK_SP}`);
      if (sp && kind !== 'I') g[toStack](`SUB_${kind}_SP${w}`, `${subtract} ${CHECK_SP}`);
      for (const d of ['', 'D']) {
        const x = `const x = ${operand(first)}, y = ${operand(second(kind, w))};`;
        const difference = d ? setZ('A', w ? 'u64(x - y) >> 32' : 'u64(x - y)') : '';
        // The destination may be the source: both operands have been read.
        // Forms that compilers rarely emit stay out of the fast loop.
        const isFast = kind !== 'S' && kind !== 'A';
        g[isFast ? 'op' : 'slow'](`SUBS_${kind}${d}${w}`, `{ ${x} ${COMPARED} ${difference} }`);
        const high = (/** @type {string} */ value) => (w ? `u64(${value}) << 32` : `u64(${value})`);
        const sum = `const x = ${high(first)}, y = ${high(second(kind, w))}, sum = x + y;`;
        const result = d ? setZ('A', w ? 'sum >> 32' : 'sum') : '';
        g[kind === 'I' || kind === 'R' ? 'op' : 'slow'](
          `ADDS_${kind}${d}${w}`,
          `{ ${sum} ${known(SUM_FLAGS)} ${result} }`,
        );
      }
    }
  for (const w of WIDTHS)
    for (const [name, complement] of [
      ['ADC', ''],
      ['SBC', '~'],
    ]) {
      const x = w ? `u32(${z('B')})` : z('B');
      const y = w ? `u32(${complement}${z('M')})` : `${complement}${z('M')}`;
      g.op(
        `${name}${w}`,
        setZ('A', w ? `u64(${x} + ${y} + ${CARRY})` : `${x} + ${y} + u64(${CARRY})`),
      );
      for (const d of ['', 'D']) {
        const body = `{ const x = ${x}, y = ${y}, c = ${CARRY};
          ${known(w ? 'addFlags32(x, y, c)' : 'addFlags64(x, y, c)')}
          ${d ? setZ('A', w ? 'u64(x + y + c)' : 'x + y + u64(c)') : ''} }`;
        g.slow(`${name}S${d}${w}`, body);
      }
    }
}

/** @param {Builder} g */
export function arithmetic(g) {
  handlers(g);
  for (const name of ['ADD', 'SUB']) {
    // A subtraction of an immediate is an addition of its negative, except for the flags.
    const immediate = 'const value = sh != 0 ? imm12 << 12 : imm12;';
    const signed = name === 'SUB' ? '0 - value' : 'value';
    g.form(
      `${name}_IMM`,
      `${immediate}
       const keeps = Rd != 31 || (Rn == 31 && (value & 15) == 0);
       put(sf != 0 ? keeps ? @ADD_I : @ADD_I_SP : keeps ? @ADD_I32 : @ADD_I_SP32,
         spOf(Rd), spOf(Rn), ${signed});`,
    );
    g.form(
      `${name}S_IMM`,
      `${immediate} put((sf != 0 ? @${name}S_I : @${name}S_I32) + (Rd != 31 ? sf != 0 ? @${name}S_ID - @${name}S_I : @${name}S_ID32 - @${name}S_I32 : 0), zrOf(Rd), spOf(Rn), value);`,
    );
    const c = 'zrOf(Rm) | imm6 << 8';
    const kind = (/** @type {string} */ prefix, /** @type {string} */ suffix) =>
      `(imm6 == 0 ? sf != 0 ? @${prefix}_R${suffix} : @${prefix}_R${suffix}32 : shift == 0 ? sf != 0 ? @${prefix}_L${suffix} : @${prefix}_L${suffix}32 : shift == 1 ? sf != 0 ? @${prefix}_S${suffix} : @${prefix}_S${suffix}32 : sf != 0 ? @${prefix}_A${suffix} : @${prefix}_A${suffix}32)`;
    g.form(
      `${name}_SHIFT`,
      `if (Rd == 31) nop(); else put(${kind(name, '')}, zrOf(Rd), zrOf(Rn), ${c});`,
    );
    g.form(
      `${name}S_SHIFT`,
      `put(Rd == 31 ? ${kind(`${name}S`, '')} : ${kind(`${name}S`, 'D')}, zrOf(Rd), zrOf(Rn), ${c});`,
    );
    // The register is extended from 8 << (option & 3) bits to 64 bits: a 32-bit result is
    // the low half.
    const extended = 'zrOf(Rm) | (64 - (8 << (option & 3))) << 8 | imm3 << 16';
    const extend = (/** @type {string} */ prefix, /** @type {string} */ suffix) =>
      `(option < 4 ? sf != 0 ? @${prefix}_XU${suffix} : @${prefix}_XU${suffix}32 : sf != 0 ? @${prefix}_XS${suffix} : @${prefix}_XS${suffix}32)`;
    g.form(
      `${name}_EXT`,
      `put(Rd == 31 ? ${extend(name, '_SP')} : ${extend(name, '')}, spOf(Rd), spOf(Rn), ${extended});`,
    );
    g.form(
      `${name}S_EXT`,
      `put(Rd == 31 ? ${extend(`${name}S`, '')} : ${extend(`${name}S`, 'D')}, zrOf(Rd), spOf(Rn), ${extended});`,
    );
  }
  for (const name of ['ADC', 'SBC']) {
    g.form(
      name,
      `if (Rd == 31) nop(); else put(sf != 0 ? @${name} : @${name}32, zrOf(Rd), zrOf(Rn), zrOf(Rm));`,
    );
    g.form(
      `${name}S`,
      `put(Rd == 31 ? sf != 0 ? @${name}S : @${name}S32 : sf != 0 ? @${name}SD : @${name}SD32, zrOf(Rd), zrOf(Rn), zrOf(Rm));`,
    );
  }
}
