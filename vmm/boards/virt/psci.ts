// SPDX-License-Identifier: MIT
// PSCI 1.1 (DEN0022) and the calls of SMCCC 1.1 (DEN0028) that a kernel uses: decoding
// and results of an HVC. The effects on vCPUs and machine are implemented by the caller
// (`PsciMachine`).

import { vcpuOf } from './affinity.ts';

/** What the calls act on. Its methods do not throw. */
export interface PsciMachine {
  readonly vcpus: number;
  /** `starting`: between a successful CPU_ON and its first instruction. */
  powerState(vcpu: number): 'on' | 'off' | 'starting';
  /** True when a vCPU can start at this physical address. */
  isExecutable(address: bigint): boolean;
  /**
   * Starts a vCPU that is off: EL1h, everything masked, MMU off, X0 = `context`, PC =
   * `entry` (DEN0022 section 6.4).
   */
  start(vcpu: number, entry: bigint, context: bigint): void;
  /** Stops the calling vCPU, which is `off` only when it executes nothing more. */
  stop(vcpu: number): void;
  /** The calling vCPU waits for an interrupt before its call returns. */
  suspend(vcpu: number): void;
  /** Powers off or restarts the machine; no vCPU continues. */
  end(how: 'off' | 'reset'): void;
}

/** The registers of a call. */
export interface PsciCall {
  /** The calling vCPU. */
  readonly vcpu: number;
  /** X0; its low half is the function. */
  readonly x0: bigint;
  readonly x1: bigint;
  readonly x2: bigint;
  readonly x3: bigint;
}

// DEN0022 section 5.2.2.
const SUCCESS = 0;
const NOT_SUPPORTED = -1;
const INVALID_PARAMETERS = -2;
const ALREADY_ON = -4;
const INVALID_ADDRESS = -9;

/** PSCI and SMCCC are both of version 1.1. */
const VERSION_1_1 = 0x10001;
/** There is no trusted OS, or one that need not be migrated. */
const MIGRATION_NOT_REQUIRED = 2;
/**
 * The SMCCC_ARCH_WORKAROUNDs: this PE needs none, and a call has no effect (DEN0028
 * section 7).
 */
const WORKAROUND_UNAFFECTED = 1;
const WORKAROUND_2_NOT_REQUIRED = -2;

/** Set in functions with 64-bit arguments. */
const SMC64 = 0x40000000;

/**
 * Bits of a power state in the original format that must be 0 (DEN0022 section 5.4.2.1).
 */
const POWER_STATE_RESERVED = ~0x301ffffn;

const ON = 0;
const OFF = 1;
const ON_PENDING = 2;

type Handler = (machine: PsciMachine, call: PsciCall) => number | undefined;

function cpuOn(machine: PsciMachine, { x1, x2, x3 }: PsciCall): number {
  const vcpu = vcpuOf(x1, machine.vcpus);
  if (vcpu === undefined) return INVALID_PARAMETERS;
  // Also while another call is starting it: kvm-unit-tests accepts no other result.
  if (machine.powerState(vcpu) !== 'off') return ALREADY_ON;
  if (x2 % 4n !== 0n || !machine.isExecutable(x2)) return INVALID_ADDRESS;
  machine.start(vcpu, x2, x3);
  return SUCCESS;
}

function affinityInfo(machine: PsciMachine, { x1, x2 }: PsciCall): number {
  const vcpu = vcpuOf(x1, machine.vcpus);
  // From PSCI 1.0 on, levels above 0 need not be supported.
  if (vcpu === undefined || x2 !== 0n) return INVALID_PARAMETERS;
  const state = machine.powerState(vcpu);
  return state === 'on' ? ON : state === 'off' ? OFF : ON_PENDING;
}

/**
 * CPU_SUSPEND. Every state is implemented as standby: a call for a deeper state may
 * return like that at any time (DEN0022 section 5.4.4), and all context is retained.
 */
function cpuSuspend(machine: PsciMachine, { vcpu, x1 }: PsciCall): number {
  if ((x1 & POWER_STATE_RESERVED) !== 0n) return INVALID_PARAMETERS;
  machine.suspend(vcpu);
  return SUCCESS;
}

/** SYSTEM_RESET2: only the architectural warm reset, which is a reset here. */
function systemReset2(machine: PsciMachine, { x1 }: PsciCall): number | undefined {
  if ((x1 & 0xffffffffn) !== 0n) return INVALID_PARAMETERS;
  machine.end('reset');
  return undefined;
}

function psciFeatures(_machine: PsciMachine, { x1 }: PsciCall): number {
  const asked = Number(x1 & 0xffffffffn);
  return PSCI.has(asked) || asked === SMCCC_VERSION ? SUCCESS : NOT_SUPPORTED;
}

const SMCCC_VERSION = 0x80000000;
const SMCCC_ARCH_FEATURES = 0x80000001;
const SMCCC_ARCH_WORKAROUND_1 = 0x80008000;
const SMCCC_ARCH_WORKAROUND_2 = 0x80007fff;
const SMCCC_ARCH_WORKAROUND_3 = 0x80003fff;

function archFeatures(_machine: PsciMachine, { x1 }: PsciCall): number {
  switch (Number(x1 & 0xffffffffn)) {
    case SMCCC_VERSION:
    case SMCCC_ARCH_FEATURES:
      return SUCCESS;
    case SMCCC_ARCH_WORKAROUND_1:
    case SMCCC_ARCH_WORKAROUND_3:
      return WORKAROUND_UNAFFECTED;
    case SMCCC_ARCH_WORKAROUND_2:
      return WORKAROUND_2_NOT_REQUIRED;
    default:
      return NOT_SUPPORTED;
  }
}

/** A function in both of its calling conventions. */
const both = (id: number, handler: Handler): readonly [number, Handler][] => [
  [id, handler],
  [id + SMC64, handler],
];

/** PSCI functions that are supported (DEN0022 section 5.1). */
const PSCI: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [0x84000000, () => VERSION_1_1],
  ...both(0x84000001, cpuSuspend),
  [
    0x84000002, // CPU_OFF
    (machine, { vcpu }) => {
      machine.stop(vcpu);
      return undefined;
    },
  ],
  ...both(0x84000003, cpuOn),
  ...both(0x84000004, affinityInfo),
  [0x84000006, () => MIGRATION_NOT_REQUIRED],
  [
    0x84000008, // SYSTEM_OFF
    (machine) => {
      machine.end('off');
      return undefined;
    },
  ],
  [
    0x84000009, // SYSTEM_RESET
    (machine) => {
      machine.end('reset');
      return undefined;
    },
  ],
  [0x8400000a, psciFeatures],
  ...both(0x84000012, systemReset2),
]);

/** The other supported calls. */
const ARCHITECTURE: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [SMCCC_VERSION, () => VERSION_1_1],
  [SMCCC_ARCH_FEATURES, archFeatures],
  [SMCCC_ARCH_WORKAROUND_1, () => SUCCESS],
  [SMCCC_ARCH_WORKAROUND_3, () => SUCCESS],
]);

/** The call with its arguments truncated to 32 bits. */
function narrowed(call: PsciCall): PsciCall {
  const half = (value: bigint) => value & 0xffffffffn;
  return { ...call, x1: half(call.x1), x2: half(call.x2), x3: half(call.x3) };
}

/**
 * Executes a call.
 * @returns X0 as an unsigned 64-bit number, with a negative result sign-extended;
 *   undefined when the call does not return. X1 to X17 are unchanged.
 */
export function callPsci(machine: PsciMachine, call: PsciCall): bigint | undefined {
  const id = Number(call.x0 & 0xffffffffn);
  const handler = PSCI.get(id) ?? ARCHITECTURE.get(id);
  const result = handler
    ? handler(machine, (id & SMC64) === 0 ? narrowed(call) : call)
    : NOT_SUPPORTED;
  return result === undefined ? undefined : BigInt.asUintN(64, BigInt(result));
}
