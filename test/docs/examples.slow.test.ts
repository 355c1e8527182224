// SPDX-License-Identifier: MIT
// The examples of the documentation: the pages contain these files, and they work.

import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Pl011 } from '../../devices/pl011/index.ts';
import { DeviceBus, deviceContract, FakeHost } from '../../devices/testing/index.ts';
import { CounterDevice } from '../../docs/examples/counter-device.ts';
import { TickerDevice } from '../../docs/examples/ticker-device.ts';
import { MachineCore } from '../../vmm/machine/index.ts';
import {
  createGuestMemory,
  createWasi,
  loadGuestImage,
  ramRegions,
  WasmGuest,
} from '../../vmm/vcpu/wasm/index.ts';
import { compileAssembly } from '../support/compile-assembly.ts';
import { newFolder } from '../support/doc-page.ts';

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Arguments of the asc command line on a page, except the output path. */
function ascArguments(page: string): string[] {
  const command = /^npx asc ((?:.*\\\n)*.*)$/m.exec(page)?.[1] ?? '';
  return command
    .replaceAll('\\\n', ' ')
    .replace(/--outFile \S+/, '')
    .trim()
    .split(/\s+/);
}

/** The guest, compiled in a folder in which the package is installed. */
async function compileGuest() {
  const [entry = '', ...args] = ascArguments(textOf('docs/guest-abi.md'));
  const folder = await newFolder();
  try {
    await writeFile(join(folder, entry), textOf(`docs/examples/${entry}`));
    return await compileAssembly(entry, args, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('examples of the documentation', () => {
  it.each([
    ['docs/guest-abi.md', 'docs/examples/hello-guest.ts'],
    ['docs/device-plugin.md', 'docs/examples/counter-device.ts'],
    ['docs/device-plugin.md', 'docs/examples/ticker-device.ts'],
    ['docs/v86.md', 'docs/examples/v86-board.ts'],
  ])('%s prints %s', (page, example) => {
    expect(textOf(page)).toContain(`\`\`\`ts\n${textOf(example)}\`\`\``);
  });

  it('boots the guest, built as on the page', async () => {
    const image = await loadGuestImage(await compileGuest());
    const memory = createGuestMemory(image);
    let console = '';
    const uart = new Pl011({
      onOutput: (bytes) => {
        console += Buffer.from(bytes).toString();
      },
    });
    const machine = new MachineCore({
      name: 'hello',
      guest: new WasmGuest({ image, memory, ramGpaBase: 0x80000000, wasi: createWasi }),
      memory,
      regions: ramRegions(memory, 0x80000000),
      devices: [{ device: uart, addresses: [0x09000000], firstIrq: 1 }],
    });
    await machine.boot();
    expect(machine.step()).toBe('off');
    expect(console).toBe('hello from the guest\n');
  }, 60_000);

  it.each(deviceContract(() => new CounterDevice(), { operations: 200, seeds: [1] }))(
    'the counter device keeps the contract: $name',
    ({ run }) => run(),
  );

  it.each(deviceContract(() => new TickerDevice(), { operations: 1000 }))(
    'the ticker device keeps the contract: $name',
    ({ run }) => run(),
  );

  it('the ticker sends an MSI each period, continues where it was saved, and is stopped by a reset', () => {
    const start = (timeNs: number) => {
      const host = new FakeHost();
      const ticker = new TickerDevice();
      ticker.attach(host);
      host.reset(ticker);
      host.timeNs = timeNs;
      const bus = new DeviceBus(ticker);
      const pollAt = (ns: number) => {
        host.timeNs = ns;
        host.poll();
        return bus.read32(0x10);
      };
      return { host, ticker, bus, pollAt };
    };
    const first = start(4000);
    first.bus.write64(0x8, 0x80000040n);
    first.bus.write(0, 0x4, 1, 0x21);
    first.bus.write32(0x0, 100);
    // A read of the fake host's clock takes 1000 ns.
    expect([first.pollAt(104_999), first.pollAt(105_000)]).toEqual([0, 1]);
    expect(first.host.log).toEqual(['msi 0x80000040 0x21 taken']);
    expect(first.host.memory.load64(0x80000040)).toBe(0x21n);

    const second = start(150_000);
    second.ticker.restore(first.ticker.save());
    expect([second.pollAt(205_999), second.pollAt(206_000)]).toEqual([1, 2]);
    second.host.reset(second.ticker);
    expect([second.host.timers.nextDeadline, second.pollAt(1_000_000)]).toEqual([undefined, 0]);
  });

  it('interrupts at its limit', () => {
    const counter = new CounterDevice();
    const host = new FakeHost();
    counter.attach(host);
    counter.reset();
    counter.write({ region: 0, offset: 4, size: 4, lo: 2, hi: 0, vcpu: 0 });
    const read = { region: 0, offset: 0, size: 4 as const, lo: 0, hi: 0, vcpu: 0 };
    const seen = [0, 1, 2].map(() => {
      counter.read(read);
      return read.lo;
    });
    expect(seen).toEqual([0, 1, 2]);
    expect(host.pulses(0)).toBe(1);
  });
});
