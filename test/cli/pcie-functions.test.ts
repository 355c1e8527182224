// SPDX-License-Identifier: MIT
// The functions that `--pcie KIND[,WORD…]` plugs into machines.

import { describe, expect, it } from 'vitest';
import { NetworkHub } from '../../cli/network-hub.ts';
import { pcieFunctions, seededBytes } from '../../cli/pcie-functions.ts';
import { virtPcie } from '../../vmm/boards/virt/virt-pcie.ts';
import { ecam } from '../support/pcie-function.ts';
import { VirtioDriver } from '../support/virtio-driver.ts';

const ignore = () => undefined;

/** Configuration space below the bridge of a machine with these functions. */
function configurationOf(options: readonly string[]) {
  const { pcie } = pcieFunctions(options, 1)(0, ignore);
  const { bridge } = virtPcie(pcie, 15);
  const access = { region: 0, size: 4, lo: 0, hi: 0, vcpu: 0 } as const;
  return {
    read(bus: number, device: number, register: number): number {
      const one = { ...access, offset: ecam(bus, device, register) };
      bridge.device.read(one);
      return one.lo >>> 0;
    },
    write(bus: number, device: number, register: number, lo: number): void {
      bridge.device.write({ ...access, offset: ecam(bus, device, register), lo });
    },
  };
}

describe('PCIe functions of the command line', () => {
  it('are in configuration space, from device 3 on, in their order', () => {
    const { read } = configurationOf(['rng', 'net', 'net,hub', 'console', 'dma']);
    const devices = [2, 3, 4, 5, 6, 7, 8];
    expect(devices.map((device) => read(0, device, 0).toString(16))).toEqual([
      'ffffffff',
      '10441af4',
      '10411af4',
      '10411af4',
      '10431af4',
      '4d441234',
      'ffffffff',
    ]);
  });

  it('are below a root port with ",port"', () => {
    const { read, write } = configurationOf(['dma,port', 'net,port,hub']);
    const port = [read(0, 3, 0), read(0, 4, 0)].map((id) => id.toString(16));
    expect(port).toEqual(['c1b36', 'c1b36']);
    // Bus numbers of a bridge: primary, secondary, subordinate.
    write(0, 3, 0x18, 0x050500);
    write(0, 4, 0x18, 0x020200);
    expect([read(5, 0, 0), read(2, 0, 0)].map((id) => id.toString(16))).toEqual([
      '4d441234',
      '10411af4',
    ]);
  });

  it.each([
    ['usb', 'the kind must be one of rng, net, console, dma, testdev'],
    ['', 'the kind must be one of'],
    ['toString', 'the kind must be one of'],
    ['rng,hub', 'rng can be followed by port, once'],
    ['net,hub,hub', 'net can be followed by hub or port, once'],
    ['dma,', 'dma can be followed by port, once'],
  ])('%j is none', (option, why) => {
    expect(() => pcieFunctions([option], undefined)).toThrow(`--pcie ${option}: ${why}`);
  });

  it('return the bytes of a seed, each function its own', () => {
    const bytes = (seed: number, index: number) => {
      const target = new Uint8Array(8);
      seededBytes(seed, index)(target);
      return [...target].join(' ');
    };
    expect(bytes(7, 0)).toBe(bytes(7, 0));
    expect(new Set([bytes(7, 0), bytes(7, 1), bytes(8, 0), bytes(8, 1)]).size).toBe(4);
  });

  it('have consoles by their numbers', () => {
    const output: string[] = [];
    const options = ['console', 'rng', 'console,port'];
    const { consoles } = pcieFunctions(options, 1)(0, (number, bytes) =>
      output.push(`${number} ${new TextDecoder().decode(bytes)}`),
    );
    for (const console of consoles)
      new VirtioDriver(console).offer(1, new TextEncoder().encode('hello'));
    expect(output).toEqual(['0 hello', '1 hello']);
  });
});

describe('network devices of a run', () => {
  const frame = Uint8Array.from({ length: 60 }, (_, i) => i);
  const header = new Uint8Array(12);
  const packet = Uint8Array.from([...header, ...frame]);

  it('on one wire send each frame to all others, and have addresses of their own', () => {
    const hub = new NetworkHub();
    const devices = [hub.connect(0, 0), hub.connect(0, 1), hub.connect(1, 0)];
    expect(devices.map(({ config }) => [...config.slice(0, 6)])).toEqual([
      [2, 0, 0, 0, 0, 1],
      [2, 0, 0, 0, 0, 2],
      [2, 0, 0, 0, 1, 1],
    ]);
    const drivers = devices.map((device) => new VirtioDriver(device));
    for (const driver of drivers) driver.offer(0, 100);
    drivers[0]?.offer(1, packet);
    for (const driver of drivers) driver.host.poll();
    const received = drivers.map((driver) => driver.used(0)?.bytes.subarray(12));
    expect(received[0]).toBeUndefined();
    for (const bytes of received.slice(1))
      expect([...(bytes ?? [])].slice(0, 60)).toEqual([...frame]);
  });
});
