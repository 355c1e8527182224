// SPDX-License-Identifier: MIT
// Operations on one, two and three registers, conditional selects and compares.

import { amount, COMPARED, CONDITIONS, known, low, SUM_FLAGS, setZ, z } from './operands.mjs';

/** @typedef {import('../../../scripts/generate-arm64.mjs').Builder} Builder */

/** Declares `reversed`, B with the order of its 64 bits reversed. */
const REVERSED = `let reversed = bswap<u64>(${z('B')});
  reversed = reversed >> 4 & 0x0f0f0f0f0f0f0f0f | (reversed & 0x0f0f0f0f0f0f0f0f) << 4;
  reversed = reversed >> 2 & 0x3333333333333333 | (reversed & 0x3333333333333333) << 2;
  reversed = reversed >> 1 & 0x5555555555555555 | (reversed & 0x5555555555555555) << 1;`;

/** Bodies by handler: value of 64 bits. */
function oneSource() {
  const b = z('B');
  const w = `u32(${b})`;
  return {
    REV16: `(${b} & 0xff00ff00ff00ff) << 8 | ${b} >> 8 & 0xff00ff00ff00ff`,
    REV1632: low(`(${b} & 0xff00ff00ff00ff) << 8 | ${b} >> 8 & 0xff00ff00ff00ff`),
    REV: `u64(bswap<u32>(${w}))`,
    REV32: `rotr<u64>(bswap<u64>(${b}), 32)`,
    REV_64: `bswap<u64>(${b})`,
    CLZ: `clz<u64>(${b})`,
    CLZ32: `u64(clz<u32>(${w}))`,
    CLS: `clz<u64>(${b} ^ u64(i64(${b}) >> 1)) - 1`,
    CLS32: `u64(clz<u32>(${w} ^ u32(i32(${b}) >> 1)) - 1)`,
  };
}

/** @param {Builder} g */
function sources(g) {
  const b = z('B');
  const m = z('M');
  for (const [name, value] of Object.entries(oneSource())) g.op(name, setZ('A', value));
  for (const [name, value] of Object.entries({ RBIT: '', RBIT32: ' >> 32' }))
    g.op(name, `{ ${REVERSED} ${setZ('A', `reversed${value}`)} }`);
  for (const name of ['RBIT', 'REV16', 'CLZ', 'CLS'])
    g.form(
      name,
      `if (Rd == 31) nop(); else put(sf != 0 ? @${name} : @${name}32, zrOf(Rd), zrOf(Rn), 0);`,
    );
  for (const name of ['REV', 'REV32', 'REV_64'])
    g.form(name, `if (Rd == 31) nop(); else put(@${name}, zrOf(Rd), zrOf(Rn), 0);`);
  // Division by 0 gives 0, and the division that overflows gives its dividend.
  const two = {
    UDIV: `{ const d = ${m}; ${setZ('A', `d == 0 ? 0 : ${b} / d`)} }`,
    UDIV32: `{ const d = u32(${m}); ${setZ('A', `d == 0 ? 0 : u64(u32(${b}) / d)`)} }`,
    SDIV: `{ const d = i64(${m}); ${setZ('A', `d == 0 ? 0 : d == -1 ? 0 - ${b} : u64(i64(${b}) / d)`)} }`,
    SDIV32: `{ const d = i32(${m}); ${setZ('A', `d == 0 ? 0 : d == -1 ? ${low(`0 - ${b}`)} : u64(u32(i32(${b}) / d))`)} }`,
    LSLV: setZ('A', `${b} << (${m} & 63)`),
    LSLV32: setZ('A', `u64(u32(${b}) << (u32(${m}) & 31))`),
    LSRV: setZ('A', `${b} >> (${m} & 63)`),
    LSRV32: setZ('A', `u64(u32(${b}) >> (u32(${m}) & 31))`),
    ASRV: setZ('A', `u64(i64(${b}) >> i64(${m} & 63))`),
    ASRV32: setZ('A', `u64(u32(i32(${b}) >> i32(u32(${m}) & 31)))`),
    RORV: setZ('A', `rotr<u64>(${b}, ${m} & 63)`),
    RORV32: setZ('A', `u64(rotr<u32>(u32(${b}), u32(${m}) & 31))`),
  };
  for (const [name, body] of Object.entries(two)) g.op(name, body);
  for (const name of ['UDIV', 'SDIV', 'LSLV', 'LSRV', 'ASRV', 'RORV'])
    g.form(
      name,
      `if (Rd == 31) nop(); else put(sf != 0 ? @${name} : @${name}32, zrOf(Rd), zrOf(Rn), zrOf(Rm));`,
    );
  for (const [c, table] of [
    ['', 'ARM64_CRC32'],
    ['C', 'ARM64_CRC32C'],
  ])
    for (const [size, bytes] of [
      ['B', 1],
      ['H', 2],
      ['W', 4],
      ['X', 8],
    ]) {
      const name = `CRC32${c}${size}`;
      g.slow(name, setZ('A', `u64(crc(cpu + ${table}, u32(${b}), ${m}, ${bytes}))`));
      g.form(name, `if (Rd == 31) nop(); else put(@${name}, zrOf(Rd), zrOf(Rn), zrOf(Rm));`);
    }
}

/** @param {Builder} g */
function multiplications(g) {
  const b = z('B');
  const m = z('M');
  const n = z('N');
  const unsigned = `u64(u32(${b})) * u64(u32(${m}))`;
  const signed = `u64(i64(i32(${b})) * i64(i32(${m})))`;
  const values = {
    MADD: `${n} + ${b} * ${m}`,
    MADD32: low(`${n} + ${b} * ${m}`),
    MSUB: `${n} - ${b} * ${m}`,
    MSUB32: low(`${n} - ${b} * ${m}`),
    SMADDL: `${n} + ${signed}`,
    SMSUBL: `${n} - ${signed}`,
    UMADDL: `${n} + ${unsigned}`,
    UMSUBL: `${n} - ${unsigned}`,
  };
  for (const [name, value] of Object.entries(values)) g.op(name, setZ('A', value));
  g.op(
    'UMULH',
    `{ const x = ${b}, y = ${m}, xl = x & 0xffffffff, xh = x >> 32, yl = y & 0xffffffff, yh = y >> 32;
       const middle = xh * yl + (xl * yl >> 32);
       ${setZ('A', 'xh * yh + (middle >> 32) + ((middle & 0xffffffff) + xl * yh >> 32)')} }`,
  );
  g.slow('SMULH', setZ('A', `signedHigh(${b}, ${m})`));
  for (const name of ['MADD', 'MSUB'])
    g.form(
      name,
      `if (Rd == 31) nop(); else put(sf != 0 ? @${name} : @${name}32, zrOf(Rd), zrOf(Rn), zrOf(Rm) | zrOf(Ra) << 16);`,
    );
  for (const name of ['SMADDL', 'SMSUBL', 'UMADDL', 'UMSUBL'])
    g.form(
      name,
      `if (Rd == 31) nop(); else put(@${name}, zrOf(Rd), zrOf(Rn), zrOf(Rm) | zrOf(Ra) << 16);`,
    );
  for (const name of ['SMULH', 'UMULH'])
    g.form(name, `if (Rd == 31) nop(); else put(@${name}, zrOf(Rd), zrOf(Rn), zrOf(Rm));`);
}

/** @param {Builder} g */
function conditionals(g) {
  const [a, b, m] = [z('A'), z('B'), z('M')];
  // The value selected when the condition fails is XORed and added to; both results are
  // cut to their width, except for the plain form.
  const changed = `(${m} ^ u64(i64(load<i8>(dp, 5)))) + ${amount(6)}`;
  for (const [index, { holds }] of CONDITIONS.entries())
    g.op(`CSEL_${index}`, setZ('A', `${holds} ? ${b} : ${m}`));
  for (const [index, { holds }] of CONDITIONS.entries())
    g.op(`CSX_${index}`, setZ('A', `(${holds} ? ${b} : ${changed}) & u64(-1) >> ${amount(7)}`));
  for (const [name, invert, add] of /** @type {const} */ ([
    ['CSEL', 0, 0],
    ['CSINC', 0, 1],
    ['CSINV', 0xff, 0],
    ['CSNEG', 0xff, 1],
  ])) {
    const operands = `zrOf(Rm) | ${invert} << 8 | ${add} << 16 | (sf != 0 ? 0 : 32) << 24`;
    const plain =
      name === 'CSEL' ? 'else if (sf != 0) put(cond + @CSEL_0, zrOf(Rd), zrOf(Rn), zrOf(Rm));' : '';
    g.form(
      name,
      `if (Rd == 31) nop();
       else if (cond >= 14) put(sf != 0 ? @MOV : @MOV32, zrOf(Rd), 0, zrOf(Rn)); ${plain}
       else put(cond + @CSX_0, zrOf(Rd), zrOf(Rn), ${operands});`,
    );
  }
  // 32-bit operands are shifted to the high half; an immediate is one of the numbers in
  // the block.
  const x = `${a} << ${amount(6)}`;
  const y = `load<u64>(cpu + load<u16>(dp, 4)) << ${amount(6)}`;
  const otherwise = known('u32(load<u8>(dp, 3)) << 28');
  for (const [index, { holds }] of CONDITIONS.entries())
    g.op(
      `CCMP_${index}`,
      `if (${holds}) { const x = i64(${x}), y = i64(${y}); ${COMPARED} } else { ${otherwise} }`,
    );
  const added = `const x = ${x}, y = ${y}, sum = x + y; ${known(SUM_FLAGS)}`;
  g.slow(
    'CCMN',
    `if (conditionHolds(load<u8>(dp, 7), flags(fa, fb, fk))) { ${added} } else { ${otherwise} }`,
  );
  g.op('CMP', `{ const x = i64(${x}), y = i64(${y}); ${COMPARED} }`);
  for (const [form, operand] of [
    ['REG', 'zrOf(Rm)'],
    ['IMM', 'ARM64_NUMBERS + (imm5 << 3)'],
  ]) {
    const operands = `${operand} | (sf != 0 ? 0 : 32) << 16`;
    // Always: like 14 and 15, a condition that is always true.
    g.form(`CCMP_${form}`, `put(cond >= 14 ? @CMP : cond + @CCMP_0, zrOf(Rn), nzcv, ${operands});`);
    g.form(`CCMN_${form}`, `put(@CCMN, zrOf(Rn), nzcv, ${operands} | cond << 24);`);
  }
}

/** @param {Builder} g */
export function compute(g) {
  sources(g);
  multiplications(g);
  conditionals(g);
}
