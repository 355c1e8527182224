// SPDX-License-Identifier: MIT
// Functions and results are literals of DEN0022 and DEN0028.

import { describe, expect, it } from 'vitest';
import { affinityOf } from '../../../../vmm/boards/virt/affinity.ts';
import { callPsci, type PsciMachine } from '../../../../vmm/boards/virt/psci.ts';

const MINUS_1 = 0xffff_ffff_ffff_ffffn;
const MINUS_2 = 0xffff_ffff_ffff_fffen;
const MINUS_4 = 0xffff_ffff_ffff_fffcn;
const MINUS_9 = 0xffff_ffff_ffff_fff7n;

/** A machine that records the calls on it. vCPU 0 is on, 1 is starting. */
function machine(vcpus = 18) {
  const log: string[] = [];
  const states = new Map<number, 'on' | 'starting'>([
    [0, 'on'],
    [1, 'starting'],
  ]);
  const given: PsciMachine = {
    vcpus,
    powerState: (vcpu) => states.get(vcpu) ?? 'off',
    isExecutable: (address) => address >= 0x40000000n && address < 0x80000000n,
    start(vcpu, entry, context) {
      states.set(vcpu, 'starting');
      log.push(`start ${vcpu} 0x${entry.toString(16)} 0x${context.toString(16)}`);
    },
    suspend: (vcpu) => {
      log.push(`suspend ${vcpu}`);
    },
    stop: (vcpu) => {
      log.push(`stop ${vcpu}`);
    },
    end: (how) => {
      log.push(how);
    },
  };
  const call = (x0: bigint, x1 = 0n, x2 = 0n, x3 = 0n) =>
    callPsci(given, { vcpu: 0, x0, x1, x2, x3 });
  return { log, call };
}

describe('callPsci', () => {
  it.each<[string, bigint, bigint, bigint]>([
    ['PSCI_VERSION', 0x84000000n, 0n, 0x10001n],
    ['MIGRATE_INFO_TYPE', 0x84000006n, 0n, 2n],
    ['SMCCC_VERSION', 0x80000000n, 0n, 0x10001n],
    ['PSCI_FEATURES of PSCI_VERSION', 0x8400000an, 0x84000000n, 0n],
    ['PSCI_FEATURES of CPU_SUSPEND', 0x8400000an, 0xc4000001n, 0n],
    ['PSCI_FEATURES of CPU_ON', 0x8400000an, 0xc4000003n, 0n],
    ['PSCI_FEATURES of AFFINITY_INFO', 0x8400000an, 0x84000004n, 0n],
    ['PSCI_FEATURES of SYSTEM_SUSPEND', 0x8400000an, 0xc400000en, MINUS_1],
    ['PSCI_FEATURES of SYSTEM_RESET2', 0x8400000an, 0xc4000012n, 0n],
    ['PSCI_FEATURES of SYSTEM_OFF2', 0x8400000an, 0xc4000015n, MINUS_1],
    ['PSCI_FEATURES of SMCCC_VERSION', 0x8400000an, 0x80000000n, 0n],
    ['PSCI_FEATURES of SMCCC_ARCH_FEATURES', 0x8400000an, 0x80000001n, MINUS_1],
    ['SMCCC_ARCH_FEATURES of itself', 0x80000001n, 0x80000001n, 0n],
    ['SMCCC_ARCH_FEATURES of SMCCC_ARCH_SOC_ID', 0x80000001n, 0x80000002n, MINUS_1],
    ['SMCCC_ARCH_FEATURES of SMCCC_ARCH_WORKAROUND_1', 0x80000001n, 0x80008000n, 1n],
    ['SMCCC_ARCH_FEATURES of SMCCC_ARCH_WORKAROUND_2', 0x80000001n, 0x80007fffn, MINUS_2],
    ['SMCCC_ARCH_FEATURES of SMCCC_ARCH_WORKAROUND_3', 0x80000001n, 0x80003fffn, 1n],
    ['SMCCC_ARCH_FEATURES of PV_TIME', 0x80000001n, 0xc5000020n, MINUS_1],
    ['SMCCC_ARCH_WORKAROUND_1', 0x80008000n, 0n, 0n],
    ['SYSTEM_SUSPEND', 0x8400000en, 0n, MINUS_1],
    ['SYSTEM_OFF2', 0x84000015n, 0n, MINUS_1],
    ['TRNG_VERSION', 0x84000050n, 0n, MINUS_1],
    ['the UID of a KVM', 0x8600ff01n, 0n, MINUS_1],
    ['SMCCC_ARCH_SOC_ID', 0x80000002n, 0n, MINUS_1],
    ['function 1337', 1337n, 0n, MINUS_1],
    ['PSCI_VERSION in 64 bits, which does not exist', 0xc4000000n, 0n, MINUS_1],
    ['what is above 32 bits of a function', 0xffffffff_84000000n, 0n, 0x10001n],
  ])('answers %s', (_name, x0, x1, expected) => {
    const { log, call } = machine();
    expect(call(x0, x1)).toBe(expected);
    expect(log).toEqual([]);
  });

  it.each<[string, bigint, bigint, string]>([
    ['CPU_OFF', 0x84000002n, 0n, 'stop 0'],
    ['SYSTEM_OFF', 0x84000008n, 0n, 'off'],
    ['SYSTEM_RESET', 0x84000009n, 0n, 'reset'],
    ['SYSTEM_RESET2', 0x84000012n, 0n, 'reset'],
    ['SYSTEM_RESET2 in 64 bits', 0xc4000012n, 0n, 'reset'],
  ])('%s does not return', (_name, x0, x1, entry) => {
    const { log, call } = machine();
    expect(call(x0, x1)).toBeUndefined();
    expect(log).toEqual([entry]);
  });

  it('CPU_SUSPEND waits for any state without reserved bits', () => {
    const { log, call } = machine();
    const states = [0n, 0x3010000n, 0xffffn, 0x20000n, 0x4000000n, 0xffffffff_00000000n];
    const results = states.map((state) => call(0xc4000001n, state));
    expect(results).toEqual([0n, 0n, 0n, MINUS_2, MINUS_2, MINUS_2]);
    expect(call(0x84000001n, 0xffffffff_00000000n)).toBe(0n);
    expect(log).toEqual(['suspend 0', 'suspend 0', 'suspend 0', 'suspend 0']);
  });

  it('refuses the vendor’s kinds of SYSTEM_RESET2', () => {
    const { log, call } = machine();
    expect([call(0xc4000012n, 0x80000000n), call(0xc4000012n, 1n)]).toEqual([MINUS_2, MINUS_2]);
    expect(log).toEqual([]);
  });

  it('starts a vCPU by its affinity', () => {
    const { log, call } = machine();
    expect(call(0xc4000003n, 2n, 0x40001000n, 0xfedcba9876543210n)).toBe(0n);
    expect(call(0xc4000003n, 0x101n, 0x40002000n)).toBe(0n);
    expect(log).toEqual(['start 2 0x40001000 0xfedcba9876543210', 'start 17 0x40002000 0x0']);
  });

  it('uses 32 bits of each argument in the 32-bit form', () => {
    const { log, call } = machine();
    expect(call(0x84000003n, 0xff_00000003n, 0x1_40001000n, 0x9_00000005n)).toBe(0n);
    expect(log).toEqual(['start 3 0x40001000 0x5']);
  });

  it.each<[string, bigint, bigint, bigint]>([
    ['an Aff0 of 16', 0x10n, 0x40000000n, MINUS_2],
    ['a vCPU beyond the last', 0x102n, 0x40000000n, MINUS_2],
    ['an Aff2', 0x10002n, 0x40000000n, MINUS_2],
    ['an Aff3', 0x1_00000002n, 0x40000000n, MINUS_2],
    ['a bit that is no affinity', 0x80000002n, 0x40000000n, MINUS_2],
    ['an invalid MPIDR before all else', 0x200n, 0x1n, MINUS_2],
    ['a vCPU that is on', 0n, 0x40000000n, MINUS_4],
    ['a vCPU that is being started', 1n, 0x40000000n, MINUS_4],
    ['a vCPU that is on before its address', 0n, 0x1n, MINUS_4],
    ['an entry outside of RAM', 2n, 0x80000000n, MINUS_9],
    ['an entry that is not aligned', 2n, 0x40000002n, MINUS_9],
  ])('CPU_ON refuses %s', (_what, mpidr, entry, expected) => {
    const { log, call } = machine();
    expect(call(0xc4000003n, mpidr, entry)).toBe(expected);
    expect(log).toEqual([]);
  });

  it('two CPU_ONs of one vCPU are one success', () => {
    const { call } = machine();
    expect([
      call(0xc4000003n, 5n, 0x40000000n),
      call(0xc4000003n, 5n, 0x40000000n),
      call(0xc4000004n, 5n),
    ]).toEqual([0n, MINUS_4, 2n]);
  });

  it('AFFINITY_INFO returns on, pending, off', () => {
    const { call } = machine();
    const info = [0n, 1n, 2n].map((mpidr) => call(0x84000004n, mpidr));
    expect(info).toEqual([0n, 2n, 1n]);
    expect(call(0xc4000004n, 0x102n)).toBe(MINUS_2);
    expect(call(0xc4000004n, 0n, 1n)).toBe(MINUS_2);
  });

  it('no call of any number throws, and each has one answer', () => {
    for (let i = 0; i < 0x40; i++)
      for (const base of [0x84000000n, 0xc4000000n, 0x80000000n, 0x8600ff00n, 0n]) {
        const { log, call } = machine();
        const all = 0xffff_ffff_ffff_ffffn;
        const result = call(base + BigInt(i), all, all, all);
        expect(result === undefined ? log.length : log.length + 1).toBe(1);
      }
  });
});

it('affinities are below 16 at level 0', () => {
  expect([0, 15, 16, 255].map(affinityOf)).toEqual([0, 0xf, 0x100, 0xf0f]);
});
