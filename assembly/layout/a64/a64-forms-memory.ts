// SPDX-License-Identifier: MIT
// The forms of A64 that load and store (Arm ARM, C4.1.88), and those of floating point
// and Advanced SIMD, as families: these are recognised and UNDEFINED. Format:
// a64-forms-data.ts.

/** Mnemonic (with the suffix of its size), size, opc, register operand. */
type Access = readonly [name: string, size: string, opc: string, register: string];

const ACCESSES: readonly Access[] = [
  ['STRB', '00', '00', '{w.Rt}'],
  ['LDRB', '00', '01', '{w.Rt}'],
  ['LDRSB_64', '00', '10', '{x.Rt}'],
  ['LDRSB', '00', '11', '{w.Rt}'],
  ['STRH', '01', '00', '{w.Rt}'],
  ['LDRH', '01', '01', '{w.Rt}'],
  ['LDRSH_64', '01', '10', '{x.Rt}'],
  ['LDRSH', '01', '11', '{w.Rt}'],
  ['STR_32', '10', '00', '{w.Rt}'],
  ['LDR_32', '10', '01', '{w.Rt}'],
  ['LDRSW', '10', '10', '{x.Rt}'],
  ['STR_64', '11', '00', '{x.Rt}'],
  ['LDR_64', '11', '01', '{x.Rt}'],
];
const PREFETCH: Access = ['PRFM', '11', '10', '{prefetch}'];
const mnemonic = (name: string) => name.replace(/_.*/, '').toLowerCase();
/** LDR becomes LDUR or LDTR, STR the same. */
const variant = (name: string, letter: string) => name.replace(/^(LD|ST|PRF)R?/, `$1${letter}`);

const unsignedOffset = ([name, size, opc, rt]: Access) =>
  `${name}_UIMM : ${size} 111 0 01 ${opc} imm12 Rn Rt : ${mnemonic(name)} ${rt}, {uimm12.${size}}`;
const unscaled = ([name, size, opc, rt]: Access) => {
  const form = variant(name, name === 'PRFM' ? 'U' : 'UR');
  return `${form} : ${size} 111 0 00 ${opc} 0 imm9 00 Rn Rt : ${mnemonic(form)} ${rt}, {offset9}`;
};
const unprivileged = ([name, size, opc, rt]: Access) => {
  const form = variant(name, 'TR');
  return `${form} : ${size} 111 0 00 ${opc} 0 imm9 10 Rn Rt : ${mnemonic(form)} ${rt}, {offset9}`;
};
const postIndexed = ([name, size, opc, rt]: Access) =>
  `${name}_POST : ${size} 111 0 00 ${opc} 0 imm9 01 Rn Rt : ${mnemonic(name)} ${rt}, {post9}`;
const preIndexed = ([name, size, opc, rt]: Access) =>
  `${name}_PRE : ${size} 111 0 00 ${opc} 0 imm9 11 Rn Rt : ${mnemonic(name)} ${rt}, {pre9}`;
/** Options with bit 1 clear are UNALLOCATED. */
const registerOffset = ([name, size, opc, rt]: Access) =>
  `${name}_REG : ${size} 111 0 00 ${opc} 1 Rm option S 10 Rn Rt : ${mnemonic(name)} ${rt}, {regoffset.${size}} : !option=x0x`;

/** Mnemonic, opc, L, register kind, log2 of a register's size. */
const PAIRS = [
  ['STP_32', '00', '0', 'w', 2],
  ['LDP_32', '00', '1', 'w', 2],
  ['LDPSW', '01', '1', 'x', 2],
  ['STP_64', '10', '0', 'x', 3],
  ['LDP_64', '10', '1', 'x', 3],
] as const;
const pair = (suffix: string, mode: string, operand: string) =>
  PAIRS.map(
    ([name, opc, l, r, scale]) =>
      `${name}_${suffix} : ${opc} 101 0 ${mode} ${l} imm7 Rt2 Rn Rt : ${mnemonic(name)} {${r}.Rt}, {${r}.Rt2}, {${operand}.${scale}}`,
  );
const pairNonTemporal = PAIRS.filter(([name]) => name !== 'LDPSW').map(
  ([name, opc, l, r, scale]) =>
    `${name.replace('P', 'NP')} : ${opc} 101 0 000 ${l} imm7 Rt2 Rn Rt : ${mnemonic(name.replace('P', 'NP'))} {${r}.Rt}, {${r}.Rt2}, {offset7.${scale}}`,
);

const SIZES = [
  ['B', '00', 'w'],
  ['H', '01', 'w'],
  ['_32', '10', 'w'],
  ['_64', '11', 'x'],
] as const;
const bySize = (form: (suffix: string, size: string, r: 'w' | 'x') => string | string[]) =>
  SIZES.flatMap(([suffix, size, r]) => form(suffix, size, r));

// Rs and Rt2 are should-be-one where they are unused, and ignored.
const exclusive = bySize((suffix, size, r) => [
  `STXR${suffix} : ${size} 001000 0 0 0 Rs 0 xxxxx Rn Rt : ${`stxr${suffix}`} {w.Rs}, {${r}.Rt}, {base}`,
  `STLXR${suffix} : ${size} 001000 0 0 0 Rs 1 xxxxx Rn Rt : ${`stlxr${suffix}`} {w.Rs}, {${r}.Rt}, {base}`,
  `LDXR${suffix} : ${size} 001000 0 1 0 xxxxx 0 xxxxx Rn Rt : ${`ldxr${suffix}`} {${r}.Rt}, {base}`,
  `LDAXR${suffix} : ${size} 001000 0 1 0 xxxxx 1 xxxxx Rn Rt : ${`ldaxr${suffix}`} {${r}.Rt}, {base}`,
  `STLR${suffix} : ${size} 001000 1 0 0 xxxxx 1 xxxxx Rn Rt : ${`stlr${suffix}`} {${r}.Rt}, {base}`,
  `LDAR${suffix} : ${size} 001000 1 1 0 xxxxx 1 xxxxx Rn Rt : ${`ldar${suffix}`} {${r}.Rt}, {base}`,
]).map(lowerMnemonic);
const exclusivePair = SIZES.slice(2).flatMap(([suffix, size, r]) => [
  `STXP${suffix} : ${size} 001000 0 0 1 Rs 0 Rt2 Rn Rt : stxp {w.Rs}, {${r}.Rt}, {${r}.Rt2}, {base}`,
  `STLXP${suffix} : ${size} 001000 0 0 1 Rs 1 Rt2 Rn Rt : stlxp {w.Rs}, {${r}.Rt}, {${r}.Rt2}, {base}`,
  `LDXP${suffix} : ${size} 001000 0 1 1 xxxxx 0 Rt2 Rn Rt : ldxp {${r}.Rt}, {${r}.Rt2}, {base}`,
  `LDAXP${suffix} : ${size} 001000 0 1 1 xxxxx 1 Rt2 Rn Rt : ldaxp {${r}.Rt}, {${r}.Rt2}, {base}`,
]);

const ORDERINGS = [
  ['', '0', '0'],
  ['L', '0', '1'],
  ['A', '1', '0'],
  ['AL', '1', '1'],
] as const;
/** `mnemonic_32` and `mnemonic_64` have no suffix in assembly language. */
function lowerMnemonic(line: string): string {
  const [name = '', bits = '', syntax = '', ...rest] = line.split(' : ');
  const [, ...operands] = syntax.split(' ');
  return [name, bits, [mnemonic(name), ...operands].join(' '), ...rest].join(' : ');
}
const compareAndSwap = ORDERINGS.flatMap(([order, a, r]) =>
  bySize((suffix, size, w) =>
    lowerMnemonic(
      `CAS${order}${suffix} : ${size} 001000 1 ${a} 1 Rs ${r} 11111 Rn Rt : cas {${w}.Rs}, {${w}.Rt}, {base}`,
    ),
  ),
);
const compareAndSwapPair = ORDERINGS.flatMap(([order, a, r]) =>
  [
    ['_32', '0', 'w'],
    ['_64', '1', 'x'],
  ].map(([suffix, size, w]) =>
    lowerMnemonic(
      `CASP${order}${suffix} : 0 ${size} 001000 0 ${a} 1 Rs ${r} 11111 Rn Rt : casp {${w}.Rs}, {${w}next.Rs}, {${w}.Rt}, {${w}next.Rt}, {base} : !Rs=xxxx1 : !Rt=xxxx1`,
    ),
  ),
);
const OPERATIONS = [
  ['LDADD', '0 000'],
  ['LDCLR', '0 001'],
  ['LDEOR', '0 010'],
  ['LDSET', '0 011'],
  ['LDSMAX', '0 100'],
  ['LDSMIN', '0 101'],
  ['LDUMAX', '0 110'],
  ['LDUMIN', '0 111'],
  ['SWP', '1 000'],
] as const;
const atomics = OPERATIONS.flatMap(([name, opc]) =>
  ORDERINGS.flatMap(([order, a, r]) =>
    bySize((suffix, size, w) =>
      lowerMnemonic(
        `${name}${order}${suffix} : ${size} 111 0 00 ${a} ${r} 1 Rs ${opc} 00 Rn Rt : ld {${w}.Rs}, {${w}.Rt}, {base}`,
      ),
    ),
  ),
);

export const A64_LOADS_AND_STORES: Readonly<Record<string, readonly string[]>> = {
  literal: [
    'LDR_32_LIT : 00 011 0 00 imm19 Rt : ldr {w.Rt}, {imm19}',
    'LDR_64_LIT : 01 011 0 00 imm19 Rt : ldr {x.Rt}, {imm19}',
    'LDRSW_LIT : 10 011 0 00 imm19 Rt : ldrsw {x.Rt}, {imm19}',
    'PRFM_LIT : 11 011 0 00 imm19 Rt : prfm {prefetch}, {imm19}',
  ],
  'unsigned-offset': [...ACCESSES, PREFETCH].map(unsignedOffset),
  unscaled: [...ACCESSES, PREFETCH].map(unscaled),
  unprivileged: ACCESSES.map(unprivileged),
  'post-indexed': ACCESSES.map(postIndexed),
  'pre-indexed': ACCESSES.map(preIndexed),
  'register-offset': [...ACCESSES, PREFETCH].map(registerOffset),
  pair: [
    ...pairNonTemporal,
    ...pair('POST', '001', 'post7'),
    ...pair('OFF', '010', 'offset7'),
    ...pair('PRE', '011', 'pre7'),
  ],
  exclusive: [...exclusive, ...exclusivePair],
  'compare-and-swap/LSE': [...compareAndSwap, ...compareAndSwapPair],
  'atomic/LSE': atomics,
  'acquire/RCPC': bySize((suffix, size, r) =>
    lowerMnemonic(
      `LDAPR${suffix} : ${size} 111 0 00 1 0 1 11111 1 100 00 Rn Rt : ld {${r}.Rt}, {base}`,
    ),
  ),
};

/**
 * Floating point and Advanced SIMD by family. The families are wider than what Armv8.0
 * allocates, as the whole space is absent.
 */
export const A64_FLOATING_POINT: Readonly<Record<string, readonly string[]>> = {
  'simd-memory/FP': [
    'SIMD_MULTIPLE : 0 x 0011000 xxxxxxxxxxxxxxxxxxxxxxx : simd',
    'SIMD_MULTIPLE_POST : 0 x 0011001 xxxxxxxxxxxxxxxxxxxxxxx : simd',
    'SIMD_SINGLE : 0 x 0011010 xxxxxxxxxxxxxxxxxxxxxxx : simd',
    'SIMD_SINGLE_POST : 0 x 0011011 xxxxxxxxxxxxxxxxxxxxxxx : simd',
    'SIMD_LITERAL : xx 011 1 00 xxxxxxxxxxxxxxxxxxxxxxxx : simd',
    'SIMD_PAIR : xx 101 1 0 xxxxxxxxxxxxxxxxxxxxxxxxx : simd',
    'SIMD_ACCESS : xx 111 1 0 xxxxxxxxxxxxxxxxxxxxxxxxx : simd',
  ],
  'simd/FP': ['SIMD_DATA : xxx 0111 xxxxxxxxxxxxxxxxxxxxxxxxx : simd'],
  'fp/FP': ['FP_DATA : xxx 1111 xxxxxxxxxxxxxxxxxxxxxxxxx : simd'],
};
