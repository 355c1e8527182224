// SPDX-License-Identifier: MIT
// A new generation of VMIDs: the TLBs and instruction caches of processors, which are
// tagged by VMIDs, are flushed together with those of the SMMUs. Observed by a guest that
// has changed a page table and an instruction without an invalidation.

import { expect, it } from 'vitest';
import { loadHotModules } from '../../../../assembly/load.ts';
import { PHYSICAL_ID_REGISTERS } from '../../../../devices/smmuv3/index.ts';
import { virtBoard } from '../../../../vmm/boards/virt/index.ts';
import { VmHost } from '../../../../vmm/nested/index.ts';
import { ramRegions } from '../../../../vmm/vcpu/wasm/index.ts';
import { RAM_GPA_BASE } from '../../../support/lent-vm.ts';
import { image, NOP } from './virt-programs.ts';

/** IDR0.VMID16. */
const VMID16 = 1 << 18;
const VMIDS = 256;

/**
 * Maps a page that contains 'a', loads from it, and calls a function that returns 'x'.
 * Then replaces the page by another one, with 'b', without a TLBI, and the function's
 * result by 'y' without an IC; and prints forever what it loads and what is returned.
 */
const FORGETFUL = image({
  0: [
    0xd2a80201, // mov x1, #0x40100000
    0xd2808022, // mov x2, #0x401
    0xf2e00c02, // movk x2, #0x60, lsl #48
    0xf9000022, // str x2, [x1]
    0xd280e0a2, // mov x2, #0x705
    0xf2a80002, // movk x2, #0x4000, lsl #16
    0xf9000422, // str x2, [x1, #8]
    0xd2a80203, // mov x3, #0x40100000
    0xf2820063, // movk x3, #0x1003
    0xf9000823, // str x3, [x1, #16]
    0x91400424, // add x4, x1, #0x1, lsl #12
    0x91400463, // add x3, x3, #0x1, lsl #12
    0xf9000083, // str x3, [x4]
    0x91400484, // add x4, x4, #0x1, lsl #12
    0xd2a80605, // mov x5, #0x40300000
    0x52800c26, // mov w6, #0x61
    0x390000a6, // strb w6, [x5]
    0x914004a7, // add x7, x5, #0x1, lsl #12
    0x52800c46, // mov w6, #0x62
    0x390000e6, // strb w6, [x7]
    0xd280e0e8, // mov x8, #0x707
    0x8b0800a5, // add x5, x5, x8
    0xf9001485, // str x5, [x4, #40]
    0xd29fe002, // mov x2, #0xff00
    0xd518a202, // msr mair_el1, x2
    0xd286a322, // mov x2, #0x3519
    0xf2a01002, // movk x2, #0x80, lsl #16
    0xf2c00042, // movk x2, #0x2, lsl #32
    0xd5182042, // msr tcr_el1, x2
    0xd5182001, // msr ttbr0_el1, x1
    0xd5033fdf, // isb
    0xd5381002, // mrs x2, sctlr_el1
    0xd28200a3, // mov x3, #0x1005
    0xaa030042, // orr x2, x2, x3
    0xd5181002, // msr sctlr_el1, x2
    0xd5033fdf, // isb
    0xd2b00009, // mov x9, #0x80000000
    0xf28a0009, // movk x9, #0x5000
    0xd2a1200a, // mov x10, #0x9000000
    0x1000032b, // adr x11, 100
    0x39400126, // ldrb w6, [x9]
    0xd63f0160, // blr x11
    0x914004a5, // add x5, x5, #0x1, lsl #12
    0xf9001485, // str x5, [x4, #40]
    0x1800018c, // ldr w12, e0
    0xb900016c, // str w12, [x11]
    0xd5033f9f, // dsb sy
    0xd5033fdf, // isb
    0x39400126, // ldrb w6, [x9]
    0x39000146, // strb w6, [x10]
    0xd63f0160, // blr x11
    0x39000146, // strb w6, [x10]
    0xd289c40d, // mov x13, #0x4e20
    0xf10005ad, // subs x13, x13, #0x1
    0x54ffffe1, // b.ne d4
    0x17fffff9, // b c0
    0x52800f26, // mov w6, #0x79
  ],
  256: [
    0x52800f06, // mov w6, #0x78
    0xd65f03c0, // ret
    NOP,
  ],
});

it('a new generation of VMIDs empties TLB and instruction cache of an arm64 vCPU, and nothing else does', async () => {
  const idRegisters = { ...PHYSICAL_ID_REGISTERS, idr0: PHYSICAL_ID_REGISTERS.idr0 & ~VMID16 };
  const host = await VmHost.create({ modules: await loadHotModules(), idRegisters });
  let printed = '';
  const { machine, destroy } = await virtBoard().create({
    host,
    name: 'forgetful',
    index: 0,
    guest: FORGETFUL,
    memorySize: 0x1000000,
    onOutput(bytes) {
      printed += String.fromCharCode(...bytes);
    },
  });
  await machine.boot();
  const prints = async (lines: number) => {
    printed = '';
    while (printed.length < 2 * lines) expect(await machine.run(1)).toBe('running');
    return printed.slice(0, 2 * lines);
  };
  const memory = new WebAssembly.Memory({ initial: 17, maximum: 17, shared: true });
  /**
   * VMs that are created, run and destroyed, so many that they use up most VMIDs of a
   * generation, or the last ones.
   */
  const passing = (vms: number) => {
    for (let i = 0; i < vms; i++) {
      const vm = host.createVm('passing', memory, ramRegions(memory, RAM_GPA_BASE));
      host.vcpuRuns(vm, 0, true);
      host.vcpuRuns(vm, 0, false);
      host.destroyVm(vm);
    }
  };
  expect(await prints(3)).toBe('axaxax');
  passing(VMIDS / 2);
  expect([host.statistics.vmidGeneration, await prints(3)]).toEqual([1, 'axaxax']);
  passing(VMIDS / 2);
  expect([host.statistics.vmidGeneration, await prints(3)]).toEqual([2, 'bybyby']);
  destroy();
});
