// The examples of the documentation: printed there as they are here, and working.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Pl011 } from '../../devices/pl011/index.ts';
import { deviceContract } from '../../devices/testing/index.ts';
import { CounterDevice } from '../../docs/examples/counter-device.ts';
import { MachineCore } from '../../vmm/machine/index.ts';
import {
  createGuestMemory,
  createWasmerWasi,
  loadGuestImage,
  ramRegions,
  WasmGuest,
} from '../../vmm/vcpu/wasm/index.ts';
import { compileAssembly } from '../support/compile-assembly.ts';

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Arguments of the asc command line that a page shows, but for the place of its output. */
function ascArguments(page: string): string[] {
  const command = /^npx asc ((?:.*\\\n)*.*)$/m.exec(page)?.[1] ?? '';
  return command
    .replaceAll('\\\n', ' ')
    .replace(/--outFile \S+/, '')
    .trim()
    .split(/\s+/);
}

function compileGuest() {
  const [entry = '', ...args] = ascArguments(textOf('docs/guest-abi.md'));
  return compileAssembly(entry, args);
}

describe('examples of the documentation', () => {
  it.each([
    ['docs/guest-abi.md', 'docs/examples/hello-guest.ts'],
    ['docs/device-plugin.md', 'docs/examples/counter-device.ts'],
    ['docs/v86.md', 'docs/examples/v86-board.ts'],
  ])('%s prints %s', (page, example) => {
    expect(textOf(page)).toContain(`\`\`\`ts\n${textOf(example)}\`\`\``);
  });

  it('boots the guest, built as the page says', async () => {
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
      guest: new WasmGuest({ image, memory, ramGpaBase: 0x80000000, wasi: createWasmerWasi }),
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

  it('interrupts at its limit', () => {
    const counter = new CounterDevice();
    let pulses = 0;
    const line = { pulse: () => pulses++, setLevel: () => undefined };
    counter.attach({
      memory: { load64: () => undefined, store64: () => false, store32: () => false },
      interruptLine: () => line,
      dmaPort: () => {
        throw new Error('not a bus master');
      },
      mapDirect: () => undefined,
      background: () => () => undefined,
      nowNs: () => 0,
      trace: () => undefined,
    });
    counter.reset();
    counter.write({ region: 0, offset: 4, size: 4, lo: 2, hi: 0, vcpu: 0 });
    const read = { region: 0, offset: 0, size: 4 as const, lo: 0, hi: 0, vcpu: 0 };
    const seen = [0, 1, 2].map(() => {
      counter.read(read);
      return read.lo;
    });
    expect(seen).toEqual([0, 1, 2]);
    expect(pulses).toBe(1);
  });
});
