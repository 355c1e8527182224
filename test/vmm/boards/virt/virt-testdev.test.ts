// SPDX-License-Identifier: MIT
// The console of tests on the board `virt`, driven without a CPU: output before a reset
// is not part of the output after it.

import { expect, it } from 'vitest';
import { DeviceBus, FakeHost } from '../../../../devices/testing/index.ts';
import { virtTestdev } from '../../../../vmm/boards/virt/virt-testdev.ts';

const PAGE = 0x1000;
const TEXT = 0x800;
const OUTPUT = 1;
const SIZE = 4;

function testConsole() {
  const codes: number[] = [];
  const host = new FakeHost();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const ram = { gpa: 0x40000000, offset: 0, size: 0x10000 };
  const { device } = virtTestdev({ memory, ram }, (code) => codes.push(code));
  device.attach(host);
  device.reset();
  const bus = new DeviceBus(device);
  const view = new DataView(host.ram.buffer, host.ram.byteOffset, host.ram.length);
  /** Sets up the queue, like a driver after a reset, and writes a text. */
  const write = (text: string) => {
    host.ram.fill(0);
    host.ram.set(new TextEncoder().encode(text), TEXT);
    view.setBigUint64(PAGE, BigInt(host.ramGpa + TEXT), true);
    view.setUint32(PAGE + 8, text.length, true);
    // The available ring follows the descriptors; its first entry is descriptor 0.
    view.setUint16(PAGE + 16 * SIZE + 2, 1, true);
    bus.write32(0x28, PAGE);
    bus.write32(0x30, OUTPUT);
    bus.write32(0x40, 0);
    bus.write32(0x38, SIZE);
    bus.write32(0x3c, PAGE);
    bus.write32(0x40, host.ramGpa / PAGE + 1);
    bus.write32(0x50, OUTPUT);
    host.poll();
  };
  return { device, bus, codes, write };
}

type TestConsole = ReturnType<typeof testConsole>;

it('continues a number in the next output', () => {
  const { codes, write } = testConsole();
  write('12');
  write('3q');
  expect(codes).toEqual([123]);
});

it.each<[string, (console: TestConsole) => void]>([
  ['its driver resets it', ({ bus }) => bus.write32(0x70, 0)],
  ['its machine is reset', ({ device }) => device.reset()],
  ['it is restored', ({ device }) => device.restore(device.save())],
])('forgets the number when %s', (_what, reset) => {
  const all = testConsole();
  all.write('12');
  reset(all);
  all.write('3q');
  expect(all.codes).toEqual([3]);
});
