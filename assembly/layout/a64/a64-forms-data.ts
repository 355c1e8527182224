// SPDX-License-Identifier: MIT
// The forms of A64 that compute and branch (Arm ARM, C4.1.86 to C4.1.89): one line per
// form, keyed by class. `NAME : bits : syntax : !exclusion…`. Bits are written as in the
// encoding diagrams, from bit 31 on: literal bits, x for an ignored bit, and fields by
// name (A64_FIELDS). Words that match an exclusion are UNALLOCATED. Syntax: braces
// enclose an operand of the disassembler.

/** Shifts of 32-bit operands by 32 or more are UNALLOCATED. */
const IMM6_IN_RANGE = '!sf=0,imm6=1xxxxx';
const addSubShifted = (name: string, op: string) =>
  `${name}_SHIFT : sf ${op} 01011 shift 0 Rm imm6 Rn Rd : ${name.toLowerCase()} {r.Rd}, {r.Rn}, {r.Rm}{shift} : !shift=11 : ${IMM6_IN_RANGE}`;
const addSubExtended = (name: string, op: string, rd: string) =>
  `${name}_EXT : sf ${op} 01011 00 1 Rm option imm3 Rn Rd : ${name.toLowerCase()} ${rd}, {rsp.Rn}, {extended} : !imm3=101 : !imm3=11x`;
const addSubImmediate = (name: string, op: string, rd: string) =>
  `${name}_IMM : sf ${op} 100010 sh imm12 Rn Rd : ${name.toLowerCase()} ${rd}, {rsp.Rn}, {imm12}`;
const addSubCarry = (name: string, op: string) =>
  `${name} : sf ${op} 11010000 Rm 000000 Rn Rd : ${name.toLowerCase()} {r.Rd}, {r.Rn}, {r.Rm}`;
/**
 * Valid bit masks: an element of 2^n bits with n below its width. All ones is no bit
 * mask, and N is for 64-bit elements.
 */
const BIT_MASKS = [
  '!sf=0,N=1',
  '!N=1,imms=111111',
  '!N=0,imms=011111',
  '!N=0,imms=101111',
  '!N=0,imms=110111',
  '!N=0,imms=111011',
  '!N=0,imms=111101',
  '!N=0,imms=11111x',
].join(' : ');
const logicalImmediate = (name: string, opc: string, rd: string) =>
  `${name}_IMM : sf ${opc} 100100 N immr imms Rn Rd : ${name.toLowerCase()} ${rd}, {r.Rn}, {bitmask} : ${BIT_MASKS}`;
const logicalShifted = (name: string, opc: string, n: string) =>
  `${name}_SHIFT : sf ${opc} 01010 shift ${n} Rm imm6 Rn Rd : ${name.toLowerCase()} {r.Rd}, {r.Rn}, {r.Rm}{shift} : ${IMM6_IN_RANGE}`;
/** N has to equal sf, and the fields have to be below the width. */
const BITFIELD = '!sf=0,N=1 : !sf=1,N=0 : !sf=0,immr=1xxxxx : !sf=0,imms=1xxxxx';
const bitfield = (name: string, opc: string) =>
  `${name} : sf ${opc} 100110 N immr imms Rn Rd : ${name.toLowerCase()} {r.Rd}, {r.Rn}, {d.immr}, {d.imms} : ${BITFIELD}`;
const moveWide = (name: string, opc: string) =>
  `${name} : sf ${opc} 100101 hw imm16 Rd : ${name.toLowerCase()} {r.Rd}, {d.imm16}{hw} : !sf=0,hw=1x`;
const twoSources = (name: string, opcode: string) =>
  `${name} : sf 0 0 11010110 Rm ${opcode} Rn Rd : ${name.replace(/^(..[LR])V$/, '$1').toLowerCase()} {r.Rd}, {r.Rn}, {r.Rm}`;
const crc = (name: string, sf: string, opcode: string) =>
  `${name} : ${sf} 0 0 11010110 Rm 010 ${opcode} Rn Rd : ${name.toLowerCase()} {w.Rd}, {w.Rn}, {${sf === '1' ? 'x' : 'w'}.Rm}`;
const oneSource = (name: string, sf: string, opcode: string) =>
  `${name} : ${sf} 1 0 11010110 00000 ${opcode} Rn Rd : ${name.replace('_64', '').toLowerCase()} {r.Rd}, {r.Rn}`;
const select = (name: string, op: string, op2: string) =>
  `${name} : sf ${op} 0 11010100 Rm cond ${op2} Rn Rd : ${name.toLowerCase()} {r.Rd}, {r.Rn}, {r.Rm}, {cond}`;
const compareIf = (name: string, op: string) => [
  `${name}_REG : sf ${op} 1 11010010 Rm cond 0 0 Rn 0 nzcv : ${name.toLowerCase()} {r.Rn}, {r.Rm}, {d.nzcv}, {cond}`,
  `${name}_IMM : sf ${op} 1 11010010 imm5 cond 1 0 Rn 0 nzcv : ${name.toLowerCase()} {r.Rn}, {d.imm5}, {d.nzcv}, {cond}`,
];
const multiply = (name: string, o0: string) =>
  `${name} : sf 00 11011 000 Rm ${o0} Ra Rn Rd : ${name.toLowerCase()} {r.Rd}, {r.Rn}, {r.Rm}, {r.Ra}`;
const multiplyLong = (name: string, op: string, o0: string) =>
  `${name} : 1 00 11011 ${op} Rm ${o0} Ra Rn Rd : ${name.toLowerCase()} {x.Rd}, {w.Rn}, {w.Rm}, {x.Ra}`;
const multiplyHigh = (name: string, op: string) =>
  `${name} : 1 00 11011 ${op} Rm 0 xxxxx Rn Rd : ${name.toLowerCase()} {x.Rd}, {x.Rn}, {x.Rm}`;

export const A64_DATA_PROCESSING: Readonly<Record<string, readonly string[]>> = {
  'pc-relative': [
    'ADR : 0 immlo 10000 immhi Rd : adr {x.Rd}, {adr}',
    'ADRP : 1 immlo 10000 immhi Rd : adrp {x.Rd}, {adrp}',
  ],
  'add-sub-imm': [
    addSubImmediate('ADD', '0 0', '{rsp.Rd}'),
    addSubImmediate('ADDS', '0 1', '{r.Rd}'),
    addSubImmediate('SUB', '1 0', '{rsp.Rd}'),
    addSubImmediate('SUBS', '1 1', '{r.Rd}'),
  ],
  'logical-imm': [
    logicalImmediate('AND', '00', '{rsp.Rd}'),
    logicalImmediate('ORR', '01', '{rsp.Rd}'),
    logicalImmediate('EOR', '10', '{rsp.Rd}'),
    logicalImmediate('ANDS', '11', '{r.Rd}'),
  ],
  'move-wide': [moveWide('MOVN', '00'), moveWide('MOVZ', '10'), moveWide('MOVK', '11')],
  bitfield: [bitfield('SBFM', '00'), bitfield('BFM', '01'), bitfield('UBFM', '10')],
  extract: [
    'EXTR : sf 00 100111 N 0 Rm imms Rn Rd : extr {r.Rd}, {r.Rn}, {r.Rm}, {d.imms} : !sf=0,N=1 : !sf=1,N=0 : !sf=0,imms=1xxxxx',
  ],
  'add-sub-shift': [
    addSubShifted('ADD', '0 0'),
    addSubShifted('ADDS', '0 1'),
    addSubShifted('SUB', '1 0'),
    addSubShifted('SUBS', '1 1'),
  ],
  'add-sub-ext': [
    addSubExtended('ADD', '0 0', '{rsp.Rd}'),
    addSubExtended('ADDS', '0 1', '{r.Rd}'),
    addSubExtended('SUB', '1 0', '{rsp.Rd}'),
    addSubExtended('SUBS', '1 1', '{r.Rd}'),
  ],
  'add-sub-carry': [
    addSubCarry('ADC', '0 0'),
    addSubCarry('ADCS', '0 1'),
    addSubCarry('SBC', '1 0'),
    addSubCarry('SBCS', '1 1'),
  ],
  'logical-shift': [
    logicalShifted('AND', '00', '0'),
    logicalShifted('BIC', '00', '1'),
    logicalShifted('ORR', '01', '0'),
    logicalShifted('ORN', '01', '1'),
    logicalShifted('EOR', '10', '0'),
    logicalShifted('EON', '10', '1'),
    logicalShifted('ANDS', '11', '0'),
    logicalShifted('BICS', '11', '1'),
  ],
  'two-source': [
    twoSources('UDIV', '000010'),
    twoSources('SDIV', '000011'),
    twoSources('LSLV', '001000'),
    twoSources('LSRV', '001001'),
    twoSources('ASRV', '001010'),
    twoSources('RORV', '001011'),
  ],
  'crc/CRC32': [
    crc('CRC32B', '0', '000'),
    crc('CRC32H', '0', '001'),
    crc('CRC32W', '0', '010'),
    crc('CRC32X', '1', '011'),
    crc('CRC32CB', '0', '100'),
    crc('CRC32CH', '0', '101'),
    crc('CRC32CW', '0', '110'),
    crc('CRC32CX', '1', '111'),
  ],
  'one-source': [
    oneSource('RBIT', 'sf', '000000'),
    oneSource('REV16', 'sf', '000001'),
    oneSource('REV', '0', '000010').replace(/r\./g, 'w.'),
    oneSource('REV32', '1', '000010').replace(/r\./g, 'x.'),
    oneSource('REV_64', '1', '000011').replace(/r\./g, 'x.'),
    oneSource('CLZ', 'sf', '000100'),
    oneSource('CLS', 'sf', '000101'),
  ],
  select: [
    select('CSEL', '0', '00'),
    select('CSINC', '0', '01'),
    select('CSINV', '1', '00'),
    select('CSNEG', '1', '01'),
  ],
  'compare-if': [...compareIf('CCMN', '0'), ...compareIf('CCMP', '1')],
  multiply: [
    multiply('MADD', '0'),
    multiply('MSUB', '1'),
    multiplyLong('SMADDL', '001', '0'),
    multiplyLong('SMSUBL', '001', '1'),
    multiplyHigh('SMULH', '010'),
    multiplyLong('UMADDL', '101', '0'),
    multiplyLong('UMSUBL', '101', '1'),
    multiplyHigh('UMULH', '110'),
  ],
};

const compareBranch = (name: string, op: string) =>
  `${name} : sf 011010 ${op} imm19 Rt : ${name.toLowerCase()} {r.Rt}, {imm19}`;
const testBranch = (name: string, op: string) =>
  `${name} : b5 011011 ${op} b40 imm14 Rt : ${name.toLowerCase()} {testbit}, {imm14}`;
const throughRegister = (name: string, opc: string) =>
  `${name} : 1101011 ${opc} 11111 000000 Rn 00000 : ${name.toLowerCase()} {x.Rn}`;
const exception = (name: string, opc: string, ll: string) =>
  `${name} : 11010100 ${opc} imm16 000 ${ll} : ${name.toLowerCase()} {h.imm16}`;
const barrier = (name: string, bits: string, syntax: string) =>
  `${name} : 11010101000000110011 ${bits} : ${syntax}`;
const moveToPstate = (name: string, op1: string, op2: string) => [
  `MSR_${name} : 1101010100000 ${op1} 0100 CRm ${op2} 11111 : msr ${name}, {d.CRm}${name === 'PAN' ? ' : !CRm=1xxx : !CRm=x1xx : !CRm=xx1x' : ''}`,
];

export const A64_BRANCHES: Readonly<Record<string, readonly string[]>> = {
  branch: [
    'B : 000101 imm26 : b {imm26}',
    'BL : 100101 imm26 : bl {imm26}',
    'BCOND : 01010100 imm19 0 cond : b.{cond} {imm19}',
    compareBranch('CBZ', '0'),
    compareBranch('CBNZ', '1'),
    testBranch('TBZ', '0'),
    testBranch('TBNZ', '1'),
    throughRegister('BR', '0000'),
    throughRegister('BLR', '0001'),
    throughRegister('RET', '0010'),
  ],
  exception: [
    exception('SVC', '000', '01'),
    exception('HVC', '000', '10'),
    exception('SMC', '000', '11'),
    exception('BRK', '001', '00'),
    exception('HLT', '010', '00'),
    exception('DCPS1', '101', '01'),
    exception('DCPS2', '101', '10'),
    exception('DCPS3', '101', '11'),
    'ERET : 1101011 0100 11111 000000 11111 00000 : eret',
    'DRPS : 1101011 0101 11111 000000 11111 00000 : drps',
  ],
  system: [
    'HINT : 11010101000000110010 CRm op2 11111 : hint {hint}',
    barrier('CLREX', 'CRm 010 11111', 'clrex {d.CRm}'),
    // Option 0 is SSBB and option 4 PSSBB in later versions: barriers as well.
    barrier('DSB', 'CRm 100 11111', 'dsb {barrier}'),
    barrier('DMB', 'CRm 101 11111', 'dmb {barrier}'),
    barrier('ISB', 'CRm 110 11111', 'isb {isb}'),
    ...moveToPstate('PAN', '000', '100'),
    ...moveToPstate('SPSel', '000', '101'),
    ...moveToPstate('DAIFSet', '011', '110'),
    ...moveToPstate('DAIFClr', '011', '111'),
    'SYS : 1101010100 0 01 op1 CRn CRm op2 Rt : sys {d.op1}, {c.CRn}, {c.CRm}, {d.op2}, {x.Rt}',
    'SYSL : 1101010100 1 01 op1 CRn CRm op2 Rt : sysl {x.Rt}, {d.op1}, {c.CRn}, {c.CRm}, {d.op2}',
    'MSR : 1101010100 0 1 o0 op1 CRn CRm op2 Rt : msr {writable}, {x.Rt}',
    'MRS : 1101010100 1 1 o0 op1 CRn CRm op2 Rt : mrs {x.Rt}, {readable}',
  ],
  'system/SB': [barrier('SB', '0000 111 11111', 'sb')],
};
