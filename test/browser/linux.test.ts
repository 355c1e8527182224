// SPDX-License-Identifier: MIT
// Linux with NVIDIA's driver in a browser tab: the demo's page, with the kernel's files
// dropped on it.

import { expect, it } from 'vitest';
import { builtKernel } from '../support/linux-kernel.ts';
import type { DemoPage } from './demo-page.ts';
import { useDemo } from './use-demo.ts';

const { open } = useDemo();

/** The machine's exits so far, and CMD_SYNCs on its VCMDQs. */
async function counts(demo: DemoPage) {
  const vm = await demo.vm(0);
  const syncs = vm.queues.filter(({ path }) => path === 'direct').map(({ syncs }) => syncs);
  return { exits: vm.exits.total, syncs: syncs.reduce((sum, one) => sum + one, 0) };
}

it('boots to a shell, and unmaps on its VCMDQs without an exit', { timeout: 300_000 }, async () => {
  const demo = await open('?vms=1&run=no');
  const { page } = demo;
  await demo.state('paused');
  const { kernel, initrd } = builtKernel();
  // Files of this size are passed by path, or not at all.
  await page.setInputFiles('#guest-file', [
    { name: 'initramfs.cpio', mimeType: '', buffer: Buffer.from(initrd) },
    { name: 'Image', mimeType: '', buffer: Buffer.from(kernel) },
  ]);
  await page.waitForFunction(
    () => document.querySelector<HTMLSelectElement>('select[name=guest]')?.value === 'Image',
  );
  await demo.state('paused');
  await page.click('#run');
  await demo.console(0, 'entries for vcmdq0');
  await demo.console(0, '\n#');
  await page.click('[data-console=vm0]');
  const before = await counts(demo);
  await page.keyboard.type('bench 1 200 1; state\n');
  await demo.console(0, 'bench ends');
  await demo.console(0, 'taint 0');
  const after = await counts(demo);
  // Exits of the console and the clock: one for each character, and a few for timers.
  expect(after.syncs - before.syncs).toBeGreaterThan(5000);
  expect(after.exits - before.exits).toBeLessThan(2500);
  await demo.shot('linux');
});
