// Operations on one, two and three registers, conditional selects and compares.

import { CONDITIONS, compared, known, low, setZ, z } from './operands.mjs';

/** @typedef {import('../../../scripts/generate-arm64.mjs').Builder} Builder */

/** Bodies by handler: value of 64 bits. */
function oneSource() {
  const b = z('B');
  const w = `u32(${b})`;
  return {
    RBIT: `reversedBits(${b})`,
    RBIT32: `reversedBits(${b}) >> 32`,
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
  for (const name of ['RBIT', 'REV16', 'CLZ', 'CLS'])
    g.form(
      name,
      `if (Rd == 31) nop(); else put(sf != 0 ? @${name} : @${name}32, zrOf(Rd), zrOf(Rn), 0);`,
    );
  for (const name of ['REV', 'REV32', 'REV_64'])
    g.form(name, `if (Rd == 31) nop(); else put(@${name}, zrOf(Rd), zrOf(Rn), 0);`);
  // A division by 0 gives 0, and the one that overflows its dividend.
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
      g.op(name, setZ('A', `u64(crc(cpu + ${table}, u32(${b}), ${m}, ${bytes}))`));
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
    SMULH: `signedHigh(${b}, ${m})`,
    UMULH: `unsignedHigh(${b}, ${m})`,
  };
  for (const [name, value] of Object.entries(values)) g.op(name, setZ('A', value));
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
  /** @type {Readonly<Record<string, (m: string) => string>>} */
  const selects = {
    CSEL: (m) => m,
    CSINC: (m) => `${m} + 1`,
    CSINV: (m) => `~${m}`,
    CSNEG: (m) => `0 - ${m}`,
  };
  for (const [name, otherwise] of Object.entries(selects)) {
    for (const w of ['', '32'])
      for (const [index, { holds }] of CONDITIONS.entries()) {
        const value = `${holds} ? ${z('B')} : ${otherwise(z('M'))}`;
        g.op(`${name}_${index}${w && '_32'}`, setZ('A', w ? low(value) : value));
      }
    g.form(
      name,
      `if (Rd == 31) nop();
       else if (cond >= 14) put(sf != 0 ? @MOV : @MOV32, zrOf(Rd), 0, zrOf(Rn));
       else put(cond + (sf != 0 ? @${name}_0 : @${name}_0_32), zrOf(Rd), zrOf(Rn), zrOf(Rm));`,
    );
  }
  for (const w of /** @type {const} */ (['', '32']))
    for (const kind of ['R', 'I']) {
      const y = kind === 'R' ? z('M') : 'load<u8>(dp, 4)';
      const cast = (/** @type {string} */ value) => (w ? `i64(i32(${value}))` : `i64(${value})`);
      const operands = `const x = ${cast(z('A'))}, y = ${cast(y)};`;
      const otherwise = known('u32(load<u8>(dp, 3)) << 28');
      for (const [index, { holds }] of CONDITIONS.entries())
        g.op(
          `CCMP_${kind}${w}_${index}`,
          `if (${holds}) { ${operands} ${compared(w)} } else { ${otherwise} }`,
        );
      const sum = w ? 'addFlags32(u32(x), u32(y), 0)' : 'addFlags64(u64(x), u64(y), 0)';
      const cond = 'conditionHolds(load<u8>(dp, 5), flags(fa, fb, fk))';
      g.op(`CCMN_${kind}${w}`, `if (${cond}) { ${operands} ${known(sum)} } else { ${otherwise} }`);
    }
  for (const [kind, form, operand] of [
    ['R', 'REG', 'zrOf(Rm)'],
    ['I', 'IMM', 'imm5'],
  ]) {
    // Always: like 14 and 15, a condition that holds.
    g.form(
      `CCMP_${form}`,
      `if (cond >= 14) put(sf != 0 ? @SUBS_${kind === 'R' ? 'R' : 'IZ'} : @SUBS_${kind === 'R' ? 'R' : 'IZ'}32, 0, zrOf(Rn), ${operand});
       else put(cond + (sf != 0 ? @CCMP_${kind}_0 : @CCMP_${kind}32_0), zrOf(Rn), nzcv, ${operand});`,
    );
    g.form(
      `CCMN_${form}`,
      `put(sf != 0 ? @CCMN_${kind} : @CCMN_${kind}32, zrOf(Rn), nzcv, ${operand} | cond << 8);`,
    );
  }
  g.op('SUBS_IZ', `{ const x = i64(${z('B')}), y = i64(load<u8>(dp, 4)); ${compared('')} }`);
  g.op(
    'SUBS_IZ32',
    `{ const x = i64(i32(${z('B')})), y = i64(load<u8>(dp, 4)); ${compared('32')} }`,
  );
}

/** @param {Builder} g */
export function compute(g) {
  sources(g);
  multiplications(g);
  conditionals(g);
}
