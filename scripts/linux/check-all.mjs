#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// `npm run linux:all`: kernels with pages of 4, 16 and 64 KiB and addresses of 39 and 48
// bits, built if necessary, each booted with 1, 2 and 4 vCPUs on all invalidation paths,
// with strict, lazy and no translation, and with Grace's registers. Checks what a boot
// must print and must not print, and its exits. Needs `npm run build`. Arguments: names
// of kernels, to check only those.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLinux } from '../../dist/cli/linux-run.js';
import { LINUX_CACHE } from './debian-packages.mjs';

const BUILD = fileURLToPath(new URL('./build-kernel.mjs', import.meta.url));

const KERNELS = [
  { name: 'linux', options: [] },
  { name: 'linux-48', options: ['--va-bits', '48'] },
  { name: 'linux-16k', options: ['--pages', '16k'] },
  { name: 'linux-64k', options: ['--pages', '64k'] },
];
const VCPUS = [1, 2, 4];
/** @type {readonly import('../../dist/cli/linux-run.js').LinuxPath[]} */
const PATHS = ['direct', 'trapped', 'overlay'];
const KINDS = [
  { name: 'strict', append: '', idRegisters: 'default', invalidates: true },
  { name: 'strict, grace', append: '', idRegisters: 'grace', invalidates: true },
  { name: 'lazy', append: 'iommu.strict=0', idRegisters: 'default', invalidates: false },
  {
    name: 'passthrough',
    append: 'iommu.passthrough=1',
    idRegisters: 'default',
    invalidates: false,
  },
];
const TROUBLE =
  /WARNING|BUG:|Oops|Call trace|CMD_SYNC timeout|failed to|unexpected|errno|taint [^0]/;
const MILLISECONDS = 10;

/** The problems of a run. @param {import('../../dist/cli/linux-run.js').LinuxRun} run */
function problemsOf(run, { path = 'direct', vcpus = 1, invalidates = true }) {
  const { end, console: text, benchmarks } = run;
  const [benchmark] = benchmarks;
  const problems = [];
  if (end.status !== 'off') problems.push(`it ended ${end.status}: ${end.reason}`);
  if (!/^taint 0$/m.test(text)) problems.push('it does not report that it is untainted');
  const bad = text.split('\n').find((line) => TROUBLE.test(line));
  if (bad !== undefined) problems.push(bad);
  const queues = text.match(/entries for vcmdq\d+$/gm)?.length ?? 0;
  // At least two for each VINTF.
  const wanted = path === 'overlay' ? 0 : Math.max(2, vcpus);
  if (queues !== wanted) problems.push(`${queues} VCMDQs, not ${wanted}`);
  if (!benchmark) return [...problems, 'it did not do its benchmark'];
  if (invalidates && benchmark.syncs < 100) problems.push(`${benchmark.syncs} CMD_SYNCs`);
  const exits = path === 'trapped' && invalidates ? benchmark.exits > 0 : benchmark.exits === 0;
  if (!exits && (invalidates || path !== 'trapped')) problems.push(`${benchmark.exits} exits`);
  return problems;
}

const asked = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const { name, options } of KERNELS) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  execFileSync(process.execPath, [BUILD, '--name', name, ...options], { stdio: 'inherit' });
  const folder = join(LINUX_CACHE, 'built', name);
  const kernel = new Uint8Array(readFileSync(join(folder, 'Image')));
  const initrd = new Uint8Array(readFileSync(join(folder, 'initramfs.cpio')));
  for (const vcpus of VCPUS)
    for (const path of PATHS)
      for (const { name: kind, append, idRegisters, invalidates } of KINDS) {
        const line = `console=ttyAMA0 ignore_loglevel ${append}`;
        const run = await runLinux({
          kernel,
          initrd,
          append: `${line} vsmmu.run="bench ${vcpus} ${MILLISECONDS} 1; state"`,
          path,
          vcpus,
          idRegisters: idRegisters === 'grace' ? 'grace' : 'default',
        });
        const problems = problemsOf(run, { path, vcpus, invalidates });
        const { unmapNs = 0, exits = 0, syncs = 0 } = run.benchmarks[0] ?? {};
        console.log(
          `${problems.length === 0 ? 'ok  ' : 'FAIL'} ${name}, ${vcpus} vCPUs, ${path}, ${kind}: ` +
            `unmap ${unmapNs} instructions, ${syncs} CMD_SYNCs, ${exits} exits`,
        );
        for (const problem of problems) console.log(`     ${problem}`);
        if (problems.length === 0) passed++;
        else failed++;
      }
}
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) process.exitCode = 1;
