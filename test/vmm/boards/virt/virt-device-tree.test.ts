// SPDX-License-Identifier: MIT
// What Linux's drivers and kvm-unit-tests look for in the device tree, by literal names and numbers.

import { describe, expect, it } from 'vitest';
import { DmaEnginePci } from '../../../../devices/dma-engine/index.ts';
import { Gicv2mFrame } from '../../../../devices/gicv3/index.ts';
import { PcieRootPort } from '../../../../devices/pcie/index.ts';
import { MemoryDisk } from '../../../../devices/virtio/index.ts';
import { placed, virtDeviceTree, virtRam } from '../../../../vmm/boards/virt/index.ts';
import { virtDisks } from '../../../../vmm/boards/virt/virt-disks.ts';
import { virtPcie } from '../../../../vmm/boards/virt/virt-pcie.ts';
import { virtTestdev } from '../../../../vmm/boards/virt/virt-testdev.ts';
import { flattenDeviceTree } from '../../../../vmm/boot/index.ts';
import { ItsHarness } from '../../../devices/gicv3/its-harness.ts';
import { cellsOf, nodeAt, readDeviceTree, stringsOf } from './read-device-tree.ts';
import { shape, smmuPlacement, virtMachine } from './virt-machine.ts';

const read = (change = {}) =>
  readDeviceTree(flattenDeviceTree(virtDeviceTree(virtMachine(change))));
const tree = read();

/** Names of a node's properties, in order. */
const names = (path: string) => [...nodeAt(tree, path).properties.keys()].join(' ');
const cells = (path: string, property: string) => cellsOf(nodeAt(tree, path), property);
const strings = (path: string, property: string) => stringsOf(nodeAt(tree, path), property);
const phandle = (path: string) => cells(path, 'phandle')[0];

describe('the device tree of virt', () => {
  it('has what the kernel starts with', () => {
    expect([cells('/', '#address-cells'), cells('/', '#size-cells')]).toEqual([[2], [2]]);
    expect(cells('/', 'interrupt-parent')).toEqual([phandle('/interrupt-controller@8000000')]);
    expect(nodeAt(tree, '/').properties.get('dma-coherent')).toHaveLength(0);
    expect(strings('/memory@40000000', 'device_type')).toEqual(['memory']);
    expect(cells('/memory@40000000', 'reg')).toEqual([0, 0x40000000, 0, 0x10000000]);
    expect(strings('/chosen', 'bootargs')).toEqual(['console=ttyAMA0 ignore_loglevel']);
    expect(strings('/chosen', 'stdout-path')).toEqual(['serial0:115200n8']);
    expect(strings('/aliases', 'serial0')).toEqual(['/pl011@9000000']);
    expect(cells('/chosen', 'linux,initrd-start')).toEqual([0, 0x48000000]);
    expect(cells('/chosen', 'linux,initrd-end')).toEqual([0, 0x48012345]);
    expect(nodeAt(tree, '/chosen').properties.get('rng-seed')).toHaveLength(64);
    expect(cells('/chosen', 'kaslr-seed')).toEqual([0, 0]);
  });

  it('names no initrd without one', () => {
    const { chosen } = virtMachine();
    const node = nodeAt(read({ chosen: { ...chosen, initrd: undefined } }), '/chosen');
    expect([...node.properties.keys()].filter((name) => name.includes('initrd'))).toEqual([]);
  });

  it('has a cpu for each vCPU, by affinity, started by PSCI', () => {
    const many = read({ vcpus: 18 });
    const cpus = nodeAt(many, '/cpus');
    expect([cellsOf(cpus, '#address-cells'), cellsOf(cpus, '#size-cells')]).toEqual([[1], [0]]);
    expect(cpus.nodes.size).toBe(18);
    expect(cellsOf(nodeAt(many, '/cpus/cpu@f'), 'reg')).toEqual([0xf]);
    expect(cellsOf(nodeAt(many, '/cpus/cpu@101'), 'reg')).toEqual([0x101]);
    expect(strings('/cpus/cpu@0', 'device_type')).toEqual(['cpu']);
    expect(strings('/cpus/cpu@0', 'compatible')).toEqual(['arm,armv8']);
    expect(strings('/cpus/cpu@0', 'enable-method')).toEqual(['psci']);
    expect(strings('/psci', 'compatible')).toEqual(['arm,psci-1.0', 'arm,psci-0.2']);
    expect(strings('/psci', 'method')).toEqual(['hvc']);
  });

  it('has the timer’s PPIs as levels: secure, physical, virtual, hypervisor', () => {
    expect(strings('/timer', 'compatible')).toEqual(['arm,armv8-timer']);
    expect(cells('/timer', 'interrupts')).toEqual([1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4]);
    expect(names('/timer')).toContain('always-on');
  });

  it('has a GICv3 with a redistributor for each vCPU', () => {
    const gic = '/interrupt-controller@8000000';
    expect(strings(gic, 'compatible')).toEqual(['arm,gic-v3']);
    expect(cells(gic, '#interrupt-cells')).toEqual([3]);
    expect(cells(gic, 'reg')).toEqual([0, 0x08000000, 0, 0x10000, 0, 0x080a0000, 0, 0x40000]);
    expect(names(gic)).toBe(
      'compatible interrupt-controller #interrupt-cells #address-cells #size-cells ranges reg phandle',
    );
  });

  it('has PL011 and PL031 as AMBA devices with their clocks', () => {
    const clock = phandle('/apb-pclk');
    expect(strings('/apb-pclk', 'compatible')).toEqual(['fixed-clock']);
    expect(cells('/apb-pclk', '#clock-cells')).toEqual([0]);
    expect(cells('/apb-pclk', 'clock-frequency')).toEqual([24000000]);
    expect(strings('/pl011@9000000', 'compatible')).toEqual(['arm,pl011', 'arm,primecell']);
    expect(cells('/pl011@9000000', 'reg')).toEqual([0, 0x09000000, 0, 0x1000]);
    expect(cells('/pl011@9000000', 'interrupts')).toEqual([0, 1, 4]);
    expect(cells('/pl011@9000000', 'clocks')).toEqual([clock, clock]);
    expect(strings('/pl011@9000000', 'clock-names')).toEqual(['uartclk', 'apb_pclk']);
    expect(strings('/pl031@9010000', 'compatible')).toEqual(['arm,pl031', 'arm,primecell']);
    expect(cells('/pl031@9010000', 'interrupts')).toEqual([0, 2, 4]);
    expect(cells('/pl031@9010000', 'clocks')).toEqual([clock]);
    expect(strings('/pl031@9010000', 'clock-names')).toEqual(['apb_pclk']);
  });

  it('has the SMMU with its CMDQV, and their interrupts as edges', () => {
    const smmu = '/iommu@9050000';
    expect(strings(smmu, 'compatible')).toEqual(['nvidia,tegra264-smmu', 'arm,smmu-v3']);
    expect(cells(smmu, 'reg')).toEqual([0, 0x09050000, 0, 0x20000]);
    expect(cells(smmu, 'interrupts')).toEqual([0, 74, 1, 0, 75, 1]);
    expect(strings(smmu, 'interrupt-names')).toEqual(['eventq', 'gerror']);
    expect(cells(smmu, '#iommu-cells')).toEqual([1]);
    expect(cells(smmu, 'nvidia,cmdqv')).toEqual([phandle('/cmdqv@b000000')]);
    expect(names(smmu)).toContain('dma-coherent');
    expect(strings('/cmdqv@b000000', 'compatible')).toEqual(['nvidia,tegra264-cmdqv']);
    expect(cells('/cmdqv@b000000', 'reg')).toEqual([0, 0x0b000000, 0, 0x50000]);
    expect(cells('/cmdqv@b000000', 'interrupts')).toEqual([0, 78, 1]);
  });

  it('has a PRI queue’s interrupt where there is one', () => {
    const node = nodeAt(read({ smmu: smmuPlacement(3) }), '/iommu@9050000');
    expect(cellsOf(node, 'interrupts')).toEqual([0, 74, 1, 0, 75, 1, 0, 76, 1]);
    expect(stringsOf(node, 'interrupt-names')).toEqual(['eventq', 'gerror', 'priq']);
  });

  it('has an SMMU without CMDQV, and none', () => {
    const without = read({ cmdqv: undefined });
    expect(stringsOf(nodeAt(without, '/iommu@9050000'), 'compatible')).toEqual(['arm,smmu-v3']);
    expect(nodeAt(without, '/iommu@9050000').properties.has('nvidia,cmdqv')).toBe(false);
    expect(without.nodes.has('cmdqv@b000000')).toBe(false);
    const none = read({ smmu: undefined, cmdqv: undefined, dmaEngine: undefined });
    expect([...none.nodes.keys()].filter((name) => /iommu|cmdqv|dma/.test(name))).toEqual([]);
  });

  it('has an ITS below the GIC, and SMMU and DMA engine as its children by DeviceID', () => {
    const gic = new ItsHarness();
    const its = { device: gic.its, addresses: [0x08080000] };
    const tree = read({ msiDevice: its });
    const node = nodeAt(tree, '/interrupt-controller@8000000/msi-controller@8080000');
    expect(stringsOf(node, 'compatible')).toEqual(['arm,gic-v3-its']);
    expect(node.properties.get('msi-controller')).toHaveLength(0);
    expect(cellsOf(node, '#msi-cells')).toEqual([1]);
    expect(cellsOf(node, 'reg')).toEqual([0, 0x08080000, 0, 0x20000]);
    const [handle = 0] = cellsOf(node, 'phandle') ?? [];
    expect(cellsOf(nodeAt(tree, '/iommu@9050000'), 'msi-parent')).toEqual([handle, 0xffff]);
    expect(cellsOf(nodeAt(tree, '/dma-engine@9200000'), 'msi-parent')).toEqual([handle, 8]);
  });

  it('has a GICv2m frame in its place, which knows no DeviceIDs', () => {
    const device = new Gicv2mFrame({ firstIntid: 224, spis: 64 });
    const tree = read({ msiDevice: { device, addresses: [0x08020000], firstIrq: 192 } });
    const node = nodeAt(tree, '/interrupt-controller@8000000/v2m@8020000');
    expect(stringsOf(node, 'compatible')).toEqual(['arm,gic-v2m-frame']);
    expect(cellsOf(node, 'reg')).toEqual([0, 0x08020000, 0, 0x1000]);
    expect([...node.properties.keys()].join(' ')).toBe('compatible msi-controller reg phandle');
    const handle = cellsOf(node, 'phandle');
    for (const path of ['/iommu@9050000', '/dma-engine@9200000'])
      expect(cellsOf(nodeAt(tree, path), 'msi-parent')).toEqual(handle);
  });

  it('names no MSI parent if there is none', () => {
    for (const path of ['/iommu@9050000', '/dma-engine@9200000'])
      expect(nodeAt(tree, path).properties.has('msi-parent')).toBe(false);
  });

  it('has bus masters behind the SMMU, coherent', () => {
    const engine = '/dma-engine@9200000';
    expect(strings(engine, 'compatible')).toEqual(['vsmmu,dma-engine']);
    expect(cells(engine, 'iommus')).toEqual([phandle('/iommu@9050000'), 8]);
    expect(cells(engine, 'interrupts')).toEqual([0, 79, 1]);
    expect(names(engine)).toContain('dma-coherent');
  });

  it('has disks behind the SMMU, each with its own StreamID', () => {
    const disks = virtDisks([
      new MemoryDisk(new Uint8Array(512)),
      new MemoryDisk(new Uint8Array(512)),
    ]);
    const tree = read({ disks });
    for (const [i, name] of ['/virtio_mmio@a000000', '/virtio_mmio@a001000'].entries()) {
      const node = nodeAt(tree, name);
      expect(stringsOf(node, 'compatible')).toEqual(['virtio,mmio']);
      expect(cellsOf(node, 'reg')).toEqual([0, 0x0a000000 + 0x1000 * i, 0, 0x1000]);
      expect(cellsOf(node, 'interrupts')).toEqual([0, 16 + i, 4]);
      expect(cellsOf(node, 'iommus')?.[1]).toBe(16 + i);
      expect(node.properties.has('dma-coherent')).toBe(true);
    }
  });

  it('has a PCIe host with its windows, INTx and StreamIDs', () => {
    const { bridge, streams } = virtPcie(
      [new DmaEnginePci('dma0'), new PcieRootPort('port0', [new DmaEnginePci('dma1')])],
      100,
    );
    const node = nodeAt(read({ pcie: bridge }), '/pcie@3f000000');
    expect(stringsOf(node, 'compatible')).toEqual(['pci-host-ecam-generic']);
    expect(stringsOf(node, 'device_type')).toEqual(['pci']);
    expect(cellsOf(node, 'reg')).toEqual([0, 0x3f000000, 0, 0x1000000]);
    expect(cellsOf(node, 'bus-range')).toEqual([0, 15]);
    expect(cellsOf(node, 'ranges')).toEqual([
      ...[0x01000000, 0, 0, 0, 0x3eff0000, 0, 0x10000],
      ...[0x02000000, 0, 0x10000000, 0, 0x10000000, 0, 0x2eff0000],
    ]);
    expect(cellsOf(node, 'interrupt-map-mask')).toEqual([0x1800, 0, 0, 7]);
    const map = cellsOf(node, 'interrupt-map') ?? [];
    expect(map).toHaveLength(16 * 10);
    // Device 3, INTB: the same as device 0, INTA.
    const gic = phandle('/interrupt-controller@8000000');
    expect(map.slice(130, 140)).toEqual([0x1800, 0, 0, 2, gic, 0, 0, 0, 3, 4]);
    expect(cellsOf(node, 'iommu-map')).toEqual([0, phandle('/iommu@9050000'), 0, 0x10000]);
    expect([node.properties.has('msi-map'), node.properties.has('msi-parent')]).toEqual([
      false,
      false,
    ]);
    // Device 3 of bus 0, and device 0 of any other bus.
    expect(streams).toEqual([24, ...Array.from({ length: 15 }, (_, i) => (i + 1) * 256)]);
    expect([...nodeAt(tree, '/').nodes.keys()].filter((name) => name.startsWith('pcie'))).toEqual(
      [],
    );
  });

  it('has a console of tests without an SMMU, at the place behind those of disks', () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const ram = { gpa: 0x40000000, offset: 0, size: 0x10000 };
    const testdev = virtTestdev({ memory, ram }, () => undefined);
    const node = nodeAt(read({ testdev }), '/virtio_mmio@a004000');
    expect(stringsOf(node, 'compatible')).toEqual(['virtio,mmio']);
    expect(cellsOf(node, 'interrupts')).toEqual([0, 20, 4]);
    expect(node.properties.has('iommus')).toBe(false);
  });

  it('has as many buses as StreamIDs suffice for', () => {
    const engine = (name: string) => new DmaEnginePci(name);
    const port = (name: string, functions = 1) =>
      new PcieRootPort(
        name,
        Array.from({ length: functions }, (_, i) => engine(`${name}.${i}`)),
      );
    const buses = (...functions: Parameters<typeof virtPcie>[0]) => {
      const { bridge, streams } = virtPcie(functions, 10);
      expect(streams.length).toBeLessThanOrEqual(10);
      return cellsOf(nodeAt(read({ pcie: bridge }), '/pcie@3f000000'), 'bus-range')?.[1];
    };
    expect(buses(engine('a'), engine('b'))).toBe(15);
    expect(buses(engine('a'), port('b'), engine('c'))).toBe(8);
    expect(buses(port('a', 2), port('b'))).toBe(5);
    expect(buses(port('a', 8))).toBe(1);
    expect(() => buses(port('a', 8), port('b'))).toThrow(
      'the PCIe functions need 16 StreamIDs, but this machine has 10',
    );
    expect(() => buses(...'abcdefghijk'.split('').map(engine))).toThrow(
      'the PCIe functions need 11 StreamIDs, but this machine has 10',
    );
  });

  it('has MSIs of PCIe functions carry their requester IDs to an ITS, or go to a GICv2m frame', () => {
    const { bridge } = virtPcie([new DmaEnginePci('dma')], 100);
    const its = { device: new ItsHarness().its, addresses: [0x08080000] };
    const frame = new Gicv2mFrame({ firstIntid: 224, spis: 64 });
    const v2m = { device: frame, addresses: [0x08020000], firstIrq: 192 };
    const withIts = read({ pcie: bridge, msiDevice: its });
    const withFrame = read({ pcie: bridge, msiDevice: v2m });
    const phandleIn = (tree: ReturnType<typeof read>, name: string) =>
      cellsOf(nodeAt(tree, `/interrupt-controller@8000000/${name}`), 'phandle')?.[0];
    expect(cellsOf(nodeAt(withIts, '/pcie@3f000000'), 'msi-map')).toEqual([
      0,
      phandleIn(withIts, 'msi-controller@8080000'),
      0,
      0x10000,
    ]);
    expect(cellsOf(nodeAt(withFrame, '/pcie@3f000000'), 'msi-parent')).toEqual([
      phandleIn(withFrame, 'v2m@8020000'),
    ]);
  });

  it('has further devices by their names', () => {
    const device = { device: shape('thing', 0x2000, 0), addresses: [0x0c000000] };
    const node = nodeAt(read({ devices: [device] }), '/thing@c000000');
    expect(stringsOf(node, 'compatible')).toEqual(['vsmmu,thing']);
    expect(cellsOf(node, 'reg')).toEqual([0, 0x0c000000, 0, 0x2000]);
    expect(node.properties.has('interrupts')).toBe(false);
  });

  it('is small: its checksum is a part of every boot', () => {
    expect(flattenDeviceTree(virtDeviceTree(virtMachine())).length).toBeLessThan(2600);
  });

  it('has no two interrupts of one number, and no two devices at one place', () => {
    const spis: number[] = [];
    const ranges: [number, number][] = [];
    for (const node of tree.nodes.values()) {
      if (node.properties.has('interrupts') && !node.properties.has('always-on'))
        cellsOf(node, 'interrupts').forEach((cell, i) => {
          if (i % 3 === 1) spis.push(cell);
        });
      const reg = node.properties.has('reg') ? cellsOf(node, 'reg') : [];
      for (let i = 0; i < reg.length; i += 4)
        ranges.push([reg[i + 1] ?? 0, (reg[i + 1] ?? 0) + (reg[i + 3] ?? 0)]);
    }
    expect(new Set(spis).size).toBe(spis.length);
    expect(spis).toHaveLength(6);
    ranges.sort(([a], [b]) => a - b);
    for (let i = 1; i < ranges.length; i++)
      expect(ranges[i]?.[0]).toBeGreaterThanOrEqual(ranges[i - 1]?.[1] ?? 0);
  });
});

describe('places', () => {
  it('refuse a device that does not fit', () => {
    const line =
      'big does not fit at 0x9000000: there is room for one region of 0x1000 bytes and 1 interrupts';
    expect(() => placed('uart', shape('big', 0x2000, 1))).toThrow(line);
    expect(() => placed('uart', shape('big', 0x1000, 2))).toThrow(line);
  });

  it('have RAM of 2 MiB up to 3 GiB', () => {
    expect(virtRam(0xc0000000)).toEqual({ base: 0x40000000, size: 0xc0000000 });
    for (const size of [0, 0x100000, 0x201000, 0xc0200000, Number.NaN])
      expect(() => virtRam(size)).toThrow('memory must be a multiple of 2 MiB, at most 3072 MiB');
  });
});
