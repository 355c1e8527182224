// npm run bench: what the hot modules cost. `--json` writes the numbers as JSON, `--rounds N` changes how often each is measured.

import { once } from 'node:events';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { THREAD_TLB_HITS, THREAD_TLB_MISSES } from '../dist/assembly/layout/host-memory.js';
import { createBoard, IOVA, LOG2SIZE, NESTED_SID, PAGE0, PAGES, SMMU, STAGE1_SID, VINTF, VIRTUAL_SID } from './board.mjs';
import { measure } from './measure.mjs';
import { startNative } from './native.mjs';

const { values: options } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '15' } } });
const rounds = Number(options.rounds);

const PROD_MASK = (2 << LOG2SIZE) - 1;
const BATCHES = [1, 16, 64, 256];
const COMMANDS = 40_000;
// Addresses of invalidations lie outside of what the IOTLB holds, so that a full one stays full.
const ELSEWHERE = 0x1000_0000_0000n;
const OPCODES = {
  SYNC: () => [0x46n],
  NH_ASID: () => [0x0001_0000_0000_0011n],
  NH_VA: (slot) => [0x0001_0000_0000_0012n, ELSEWHERE + (BigInt(slot) << 12n)],
  // 16 pages of 4 KiB.
  NH_VA_RANGE: (slot) => [0x0001_0000_0000_f012n, (ELSEWHERE + (BigInt(slot) << 16n)) | 0x400n],
  S12_VMALL: () => [0x28n],
  ATC_INV: () => [(BigInt(VIRTUAL_SID) << 32n) | 0x40n, 52n],
};

const board = await createBoard();
const native = await startNative();
let prod = 0;

/** One row of the drain's table: both programs, on an empty and on a full IOTLB. */
function drainSubjects(opcode, batch, full) {
  const batches = Math.ceil(COMMANDS / batch / (opcode === 'NH_VA_RANGE' ? 8 : 1));
  const steps = batches * batch;
  const name = `${opcode} ${batch} ${full ? 'full' : 'empty'}`;
  const wasm = {
    name: `wasm ${name}`,
    steps,
    prepare() {
      board.fillRing(OPCODES[opcode]);
      board.emptyTlb();
      if (full && board.fillTlb() < 4000) throw new Error('the IOTLB is not full');
    },
    run() {
      prod = board.loops.ring(batches, batch, PAGE0, VINTF, prod, PROD_MASK) >>> 0;
      if (board.queue.cons !== prod) throw new Error(`${name}: CONS is ${board.queue.cons}, not ${prod}`);
    },
  };
  return typeof native === 'string' ? [wasm] : [wasm, { name: `C ${name}`, steps, run: () => native.run(opcode, batch, batches, full) }];
}

const TIMES = 50_000;
const access = (sid, pages) => () => {
  if (board.loops.access(TIMES, SMMU, sid, IOVA, pages) !== 0) throw new Error('an access was refused');
};
const accessSubjects = [
  { name: 'IOTLB hit', steps: TIMES, prepare: access(NESTED_SID, 256), run: access(NESTED_SID, 256) },
  { name: 'miss, nested walk', steps: TIMES, run: access(NESTED_SID, PAGES) },
  { name: 'miss, stage-1 walk', steps: TIMES, run: access(STAGE1_SID, PAGES) },
  { name: 'empty doorbell', steps: TIMES, run: () => board.loops.ringEmpty(TIMES, VINTF) },
];

/** Round trips of a word between two threads that spin. */
async function handoffSubject() {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const none = () => 0;
  const { handoff } = new WebAssembly.Instance(board.loopsModule, {
    env: { memory },
    core: { accessBegin: none, accessEnd: none, translate: none },
    drain: { doorbell: none },
  }).exports;
  const worker = new Worker(new URL('./handoff-worker.mjs', import.meta.url), { workerData: { loopsModule: board.loopsModule, memory } });
  await once(worker, 'message');
  const trips = 20_000;
  const subject = {
    name: 'spin handoff, there and back',
    steps: trips,
    run() {
      handoff(0x1000, 0, 1, trips);
    },
  };
  const end = async () => {
    Atomics.store(new Int32Array(memory.buffer), 0x1000 >> 2, -1);
    await worker.terminate();
  };
  return { subject, end };
}

const subjects = Object.keys(OPCODES).flatMap((opcode) =>
  BATCHES.flatMap((batch) => [...drainSubjects(opcode, batch, false), ...drainSubjects(opcode, batch, true)]),
);
// Each walk really misses, each hit really hits.
for (const [name, sid, pages, field] of [
  ['hits', NESTED_SID, 256, THREAD_TLB_HITS],
  ['nested misses', NESTED_SID, PAGES, THREAD_TLB_MISSES],
  ['stage-1 misses', STAGE1_SID, PAGES, THREAD_TLB_MISSES],
]) {
  access(sid, pages)();
  const before = board.counter(field);
  access(sid, pages)();
  if (board.counter(field) - before < 0.95 * TIMES) throw new Error(`only ${board.counter(field) - before} of ${TIMES} ${name}`);
}
const drain = await measure(subjects, rounds);
const accesses = await measure(accessSubjects, rounds);
// By itself: its other thread spins all the time.
const { subject: handoff, end } = await handoffSubject();
const single = new Map([...accesses, ...(await measure([handoff], rounds))]);
await end();
if (typeof native !== 'string') await native.end();

const ns = (results, name) => results.get(name)?.median;
const rows = Object.keys(OPCODES).flatMap((opcode) =>
  BATCHES.flatMap((batch) =>
    ['empty', 'full'].map((iotlb) => {
      const wasm = ns(drain, `wasm ${opcode} ${batch} ${iotlb}`);
      const c = ns(drain, `C ${opcode} ${batch} ${iotlb}`);
      return { opcode, batch, iotlb, wasm, ...(c === undefined ? {} : { c, ratio: c / wasm }) };
    }),
  ),
);
const asid = (iotlb) => ns(drain, `wasm NH_ASID 256 ${iotlb}`);
const result = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  rounds,
  unit: 'ns',
  drain: rows,
  asidFullToEmpty: asid('full') / asid('empty'),
  single: Object.fromEntries([...single].map(([name, { median }]) => [name, median])),
  ...(typeof native === 'string' ? { native } : {}),
};

if (options.json) {
  console.log(JSON.stringify(result, null, 2));
} else {
  const number = (value) => (value === undefined ? '-' : value.toFixed(1)).padStart(8);
  console.log(
    `${result.machine.cpu}, ${result.machine.cores} cores, Node ${result.machine.node}; medians of ${rounds} interleaved rounds\n`,
  );
  console.log('drain, ns for each command        IOTLB empty                 IOTLB full');
  console.log('command       batch        wasm       C  C/wasm      wasm       C  C/wasm');
  for (let i = 0; i < rows.length; i += 2) {
    const cells = [rows[i], rows[i + 1]].map(
      ({ wasm, c, ratio }) => `${number(wasm)}${number(c)}${(ratio?.toFixed(2) ?? '-').padStart(8)}`,
    );
    console.log(`${rows[i].opcode.padEnd(14)}${String(rows[i].batch).padStart(5)}    ${cells.join('  ')}`);
  }
  if (typeof native === 'string') console.log(`C: not measured: ${native}`);
  console.log(`\nTLBI_NH_ASID, full IOTLB to empty one: ${result.asidFullToEmpty.toFixed(2)}`);
  console.log('\none by one, ns');
  for (const [name, median] of Object.entries(result.single)) console.log(`${name.padEnd(30)}${number(median)}`);
}
