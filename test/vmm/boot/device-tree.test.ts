// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import {
  cells64,
  type DeviceTreeNode,
  flattenDeviceTree,
  MAX_DEVICE_TREE_SIZE,
} from '../../../vmm/boot/index.ts';

/** A tree with each kind of value and a reference to a later node. */
const TREE: DeviceTreeNode = {
  name: '',
  properties: { '#address-cells': [2], model: 'ab', 'interrupt-parent': [{ label: 'gic' }] },
  nodes: [
    {
      name: 'gic@8',
      label: 'gic',
      properties: {
        compatible: ['x', 'yz'],
        reg: [...cells64(0x1_2345_6789), 0xffffffff],
        'dma-coherent': true,
        seed: Uint8Array.of(1, 2, 3, 4, 5),
      },
    },
  ],
};

/** The blob as hexadecimal words; the last may be shorter. */
function hex(blob: Uint8Array): string {
  return Buffer.from(blob).toString('hex');
}

// By hand from the Devicetree Specification 0.4, sections 5.2 to 5.5.
describe('flattenDeviceTree', () => {
  it('writes header, reservations, structure and strings as literal bytes', () => {
    const node = (name: string) => `00000001 ${name}`;
    const prop = (length: number, name: number, value = '') =>
      `00000003 ${length.toString(16).padStart(8, '0')} ${name.toString(16).padStart(8, '0')} ${value}`;
    const structure = [
      node('00000000'),
      prop(4, 0x00, '00000002'),
      prop(3, 0x0f, '61620000'),
      prop(4, 0x15, '00000001'),
      node('67696340 38000000'),
      prop(5, 0x26, '7800797a 00000000'),
      prop(12, 0x31, '00000001 23456789 ffffffff'),
      prop(0, 0x35),
      prop(5, 0x42, '01020304 05000000'),
      prop(4, 0x47, '00000001'),
      '00000002 00000002 00000009',
    ].join('');
    const strings = [
      '#address-cells',
      'model',
      'interrupt-parent',
      'compatible',
      'reg',
      'dma-coherent',
      'seed',
      'phandle',
    ]
      .map((name) => `${Buffer.from(name).toString('hex')}00`)
      .join('');
    const bytes = `
      d00dfeed 00000133 00000038 000000e4 00000028 00000011 00000010 00000000 0000004f 000000ac
      00000000 00000000 00000000 00000000 ${structure} ${strings}`;
    expect(hex(flattenDeviceTree(TREE))).toBe(bytes.replaceAll(/\s/g, ''));
  });

  const root = (nodes: readonly DeviceTreeNode[], properties = {}): DeviceTreeNode => ({
    name: '',
    properties,
    nodes,
  });

  it.each([
    [
      'two nodes of one label',
      root([
        { name: 'a', label: 'x', properties: {} },
        { name: 'b', label: 'x', properties: {} },
      ]),
      'two nodes have the label "x"',
    ],
    [
      'two nodes of one path',
      root([
        { name: 'a', properties: {} },
        { name: 'a', properties: {} },
      ]),
      'two nodes below "" have the same name',
    ],
    ['a reference to no node', root([], { p: [{ label: 'y' }] }), 'no node has the label "y"'],
    ['a NUL in a string', root([], { p: ['a', 'b\0'] }), 'contains a NUL'],
    ['a NUL in a name', root([{ name: 'a\0', properties: {} }]), 'contains a NUL'],
    ['too much', root([], { p: new Uint8Array(MAX_DEVICE_TREE_SIZE) }), 'at most 2097152 bytes'],
  ])('refuses %s', (_what, tree, message) => {
    expect(() => flattenDeviceTree(tree)).toThrow(message);
  });

  it('accepts a blob of the largest size, in reasonable time', () => {
    // Header, reservations, root node (8), property (12), END_NODE, END, and the name
    // "p".
    const room = MAX_DEVICE_TREE_SIZE - 56 - 28 - 4;
    const blob = flattenDeviceTree(root([], { p: new Uint8Array(room).fill(7) }));
    expect(blob.length).toBe(MAX_DEVICE_TREE_SIZE - 2);
    expect(blob[56 + 20 + room - 1]).toBe(7);
  });
});
