// MIPS of the arm64 interpreter by CPU time, on five programs that the cross compiler
// makes of programs.c, beside qemu-aarch64: `node bench/arm64/measure.mjs [million
// instructions]`. Needs gcc-aarch64-linux-gnu and qemu-user.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importLayout } from '../../scripts/layout-tables.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCE = join(ROOT, 'bench/arm64/programs.c');
const RAM_GPA = 0x4000_0000;
const RAM_SIZE = 16 << 20;
const POOL_SIZE = 16 << 20;
const SLICE = 1_000_000;
/** Name, number, rounds for about 100 M instructions, functions that are generated. */
const PROGRAMS = /** @type {const} */ ([
  ['int', 0, 2000, 0],
  ['mem', 1, 60, 0],
  ['call', 2, 600, 0],
  ['path', 3, 6000, 60],
  ['big', 4, 300, 1200],
]);

/**
 * Functions of about 90 instructions: fields, shifts, a short loop, a switch. @param
 * {number} count
 */
function generated(count) {
  let state = 1;
  const next = (/** @type {number} */ limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const statement = () => {
    const [a, b, c] = [next(64), next(64), next(64)];
    return [
      `m[${a}] += (u32)x ^ m[${b}];`,
      `if (m[${a}] & ${1 << next(16)}) x += m[${b}] * ${next(1000)}; else x ^= x >> ${1 + next(30)};`,
      `m[${a}] = (m[${b}] << ${1 + next(20)}) | (m[${c}] >> ${1 + next(20)});`,
      `switch (x & 7) { case 0: x += ${next(99)}; break; case 3: m[${c}]++; break; ` +
        `case 5: x *= 5; break; case 6: x -= m[${a}]; break; }`,
      `for (u32 i = 0; i < ${2 + next(3)}; i++) m[(${a} + i) & 63] += i;`,
    ][next(5)];
  };
  const body = () => Array.from({ length: 12 }, statement).join('\n  ');
  const functions = Array.from(
    { length: count },
    (_, i) =>
      `static __attribute__((noinline)) u64 g${i}(u32 *m, u64 x) {\n  ${body()}\n  return x;\n}`,
  );
  const names = functions.map((_, i) => `g${i}`).join(', ');
  return `${functions.join('\n')}
#define FUNCTIONS ${count}
static u64 (*const functions[])(u32 *, u64) = {${names}};
`;
}

/** @param {string} program @param {readonly string[]} args */
function run(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args);
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return stdout;
}

const L = await importLayout(ROOT, ['arm64-state']);
const { ARM64_EXIT_HLT } = await importLayout(ROOT, ['arm64-results']);
const module = new WebAssembly.Module(readFileSync(join(ROOT, 'assembly/arm64.wasm')));
const folder = mkdtempSync(join(tmpdir(), 'vsmmu-arm64-'));
const limit = Number(process.argv[2] ?? 300) * 1e6;
const runs = Number(process.argv[3] ?? 3);

/** @param {Buffer} image @param {bigint} entry Where it begins. */
function measure(image, entry) {
  const [cpu, pool] = [0x10_0000, 0x20_0000];
  const ram = pool + POOL_SIZE;
  const pages = (ram + RAM_SIZE) / 0x1_0000;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const board = { mmio: () => 0, register: () => 0 };
  const instance = new WebAssembly.Instance(module, { env: { memory }, board });
  const e = /** @type {any} */ (instance.exports);
  const view = new DataView(memory.buffer);
  const u64 = (/** @type {number} */ at, /** @type {bigint} */ value) =>
    view.setBigUint64(cpu + at, value, true);
  view.setUint32(cpu + L.ARM64_RAM, ram, true);
  view.setUint32(cpu + L.ARM64_RAM_SIZE, RAM_SIZE, true);
  u64(L.ARM64_RAM_GPA, BigInt(RAM_GPA));
  view.setUint32(cpu + L.ARM64_POOL, pool, true);
  e.resetPool(pool, POOL_SIZE, RAM_SIZE);
  e.reset(cpu);
  new Uint8Array(memory.buffer).set(image, ram);
  // A flat map of 4 KiB pages in the last 2 MiB but one: tables of levels 1, 2 and 3.
  const tables = RAM_SIZE - (2 << 20);
  const put = (/** @type {number} */ at, /** @type {number} */ value) =>
    view.setBigUint64(ram + tables + at, BigInt(value), true);
  put(8, RAM_GPA + tables + 0x1003);
  for (let i = 0; i < RAM_SIZE >> 21; i++)
    put(0x1000 + 8 * i, RAM_GPA + tables + 0x2003 + 0x1000 * i);
  for (let i = 0; i < RAM_SIZE >> 12; i++) put(0x2000 + 8 * i, RAM_GPA + (i << 12) + 0x703);
  const el1 = L.ARM64_BANK + L.ARM64_BANK_STRIDE;
  u64(el1 + L.BANK_TCR, (1n << 23n) | 25n);
  u64(el1 + L.BANK_TTBR0, BigInt(RAM_GPA + tables));
  u64(el1 + L.BANK_MAIR, 0xffn);
  u64(el1 + L.BANK_SCTLR, view.getBigUint64(cpu + el1 + L.BANK_SCTLR, true) | 1n);
  u64(L.ARM64_PC, entry);
  u64(L.ARM64_SP, BigInt(RAM_GPA + tables - 0x1000));
  e.flushAll(cpu);
  let exit = 0;
  const count = () => Number(view.getBigUint64(cpu + L.ARM64_COUNT, true));
  // Until the optimised code has taken over, runs are short.
  while (exit === 0 && count() < 10e6) exit = e.run(cpu, 20_000);
  const [start, from] = [process.cpuUsage(), count()];
  while (exit === 0 && count() < limit) exit = e.run(cpu, SLICE);
  const used = process.cpuUsage(start);
  const mips = (count() - from) / (used.user + used.system);
  const sum =
    exit === ARM64_EXIT_HLT
      ? view
          .getBigUint64(cpu + L.ARM64_X, true)
          .toString(16)
          .padStart(16, '0')
      : undefined;
  return { mips, count: count(), sum, exit };
}

try {
  for (const [name, number, rounds, functions] of PROGRAMS) {
    if (functions > 0) writeFileSync(join(folder, 'generated.h'), generated(functions));
    const file = (/** @type {string} */ suffix) => join(folder, `${name}${suffix}`);
    const common = [
      '-O2',
      '-ffreestanding',
      '-nostdlib',
      '-static',
      '-mgeneral-regs-only',
      '-fno-stack-protector',
      '-fno-pic',
      '-no-pie',
      '-fno-tree-loop-distribute-patterns',
    ];
    const options = [
      ...common,
      `-I${folder}`,
      `-DPROGRAM=${number}`,
      `-DROUNDS=${rounds}`,
      SOURCE,
      '-Wl,--build-id=none',
      `-Wl,-Ttext=0x${RAM_GPA.toString(16)}`,
      '-Wl,-z,norelro',
    ];
    run('aarch64-linux-gnu-gcc', [...options, '-Wl,-N', '-o', file('.elf')]);
    run('aarch64-linux-gnu-objcopy', ['-O', 'binary', file('.elf'), file('.bin')]);
    run('aarch64-linux-gnu-gcc', [...options, '-DUSER', '-o', file('.user')]);
    // e_entry of the ELF header.
    const entry = readFileSync(file('.elf')).readBigUInt64LE(24);
    const results = Array.from({ length: runs }, () => measure(readFileSync(file('.bin')), entry));
    const best = results.reduce((a, b) => (a.mips > b.mips ? a : b));
    const expected = run('/usr/bin/env', [
      'bash',
      '-c',
      `times=$( { TIMEFORMAT='%U %S'; time qemu-aarch64 ${file('.user')} >${file('.sum')}; } 2>&1 ); echo "$times"`,
    ]).toString();
    const [user = 0, system = 0] = expected.trim().split(' ').map(Number);
    const sum = readFileSync(file('.sum')).toString();
    const verdict =
      best.sum === undefined ? 'cut' : best.sum === sum ? 'sum ok' : `SUM ${best.sum} NOT ${sum}`;
    const millions = best.count / 1e6;
    console.log(
      `${name.padEnd(5)} ${best.mips.toFixed(0)} MIPS, ${millions.toFixed(0)} M instructions, ` +
        `exit ${best.exit}, ${verdict}; ` +
        `qemu-aarch64 ${(millions / (user + system)).toFixed(0)} MIPS`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
