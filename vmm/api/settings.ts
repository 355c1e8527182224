// SPDX-License-Identifier: MIT
// Options that are plain data, as one schema: the API checks them with it, `--config`
// files are such objects, and the command line derives its flags from it.

import * as v from 'valibot';
import type { Queues } from '../boards/index.ts';
import {
  environment,
  expected,
  integer,
  MAX_COUNT,
  oneOf,
  option,
  powerOfTwo,
  text,
  words,
  yesNo,
} from './option-values.ts';

/**
 * Where guests run: on the caller's thread, or each vCPU on its own thread with exits
 * through a mailbox.
 */
export const TRANSPORTS = ['inline', 'mailbox'] as const;
/**
 * Where VCMDQs are drained: in the guest's doorbell call, on a separate thread, or by an
 * automatic choice.
 */
export const DRAINS = ['doorbell', 'thread', 'auto'] as const;
/** Queues of a guest's direct path: VCMDQs of a CMDQV, or ECMDQs of the SMMU itself. */
export const QUEUES = ['vcmdq', 'ecmdq'] as const satisfies readonly Queues[];
/** ID registers of a host's SMMU: PHYSICAL_ID_REGISTERS or GRACE_ID_REGISTERS. */
export const ID_REGISTERS = ['default', 'grace'] as const;
/**
 * The IOMMU between a host's devices and its memory: SMMUs with CMDQVs, or an AMD IOMMU
 * with hardware vIOMMU.
 */
export const IOMMUS = ['smmu', 'amd'] as const;
/** One of IOMMUS. */
export type IommuKind = (typeof IOMMUS)[number];
/** One of ID_REGISTERS. */
export type IdRegisters = (typeof ID_REGISTERS)[number];
/** One of TRANSPORTS. */
export type Transport = (typeof TRANSPORTS)[number];
/** One of DRAINS. */
export type Drain = (typeof DRAINS)[number];

export const MAX_VCPUS = 8;
const MAX_MEMORY_MIB = 4096;
const MAX_HOST_RAM_MIB = 1024;
/** Maximum number of SMMUs of a host. */
const MAX_SMMUS = 16;
const MAX_TRACE_RECORDS = 4_000_000;

/** Options of a host that are plain data. */
export interface HostSettings {
  /**
   * SMMUs with CMDQVs, or an AMD IOMMU that its machines share, each with its own command
   * buffer and logs (docs/iommufd.md). Default `smmu`.
   */
  readonly iommu?: IommuKind | undefined;
  /**
   * Number of SMMUs of the host, each with a CMDQV, 1 to 16. On the standard board a
   * machine has devices at each of the first four, unless `behind` selects others.
   * Default 1.
   */
  readonly smmus?: number | undefined;
  /**
   * Number of VINTFs of each CMDQV, including the host's own: a power of two from 1 to
   * 64. Default 16.
   */
  readonly vintfs?: number | undefined;
  /**
   * Number of VCMDQs of each CMDQV: a power of two from `vintfs` to 128. Default twice
   * the VINTFs, at most 128.
   */
  readonly vcmdqs?: number | undefined;
  /**
   * MiB of host RAM, 1 to 1024, for the host's tables and queues. Default, for each SMMU,
   * 16, or 79 with `grace`, whose queues are larger; with `grace` 8 more for each VCMDQ
   * beyond two of a VINTF. With an AMD IOMMU 32.
   */
  readonly hostRam?: number | undefined;
  /**
   * ID registers of the SMMU: the default ones, or those of NVIDIA Grace. Guests see what
   * their host's has. Default `default`.
   */
  readonly idRegisters?: IdRegisters | undefined;
  /**
   * The SMMUs take part in the broadcast TLB maintenance of vCPUs (IDR0.BTM): the TLBI of
   * a vCPU affects the first SMMU of its machine, where the ASIDs of CDs are shared
   * (docs/iommufd.md). On the standard board. Default false.
   */
  readonly btm?: boolean | undefined;
  /**
   * Compare every hit of IOTLB and configuration cache with the tables in memory
   * (docs/sanitizer.md). Default false.
   */
  readonly iotlbCheck?: boolean | undefined;
  /**
   * Number of records that a trace keeps, 2 to 4,000,000: if there are more, the first
   * half and the newest. 1,000 of them take some 0.3 MB in a file. Default 250,000.
   */
  readonly traceLimit?: number | undefined;
}

/** Options of a machine that are plain data. */
export interface MachineSettings {
  /** Name in messages, unique on its host. Default `vm0`, `vm1`, and so on. */
  readonly name?: string | undefined;
  /**
   * MiB of memory, 1 to 4096, limited by the board (docs/limits.md); the guest cannot
   * grow it further. Default: what the guest asks for, up to the maximum of its import.
   */
  readonly memory?: number | undefined;
  /**
   * Number of vCPUs, on the standard board 1 to 4, on the board `virt` 1 to 8. More than
   * one require a `secondary` program on the standard board. Default 1.
   */
  readonly vcpus?: number | undefined;
  /** Where the guest runs. Default `inline`. */
  readonly transport?: Transport | undefined;
  /** Where its VCMDQs are drained. Default `doorbell`. */
  readonly drain?: Drain | undefined;
  /** Arguments of the guest's program (WASI) after its name; without NUL. */
  readonly args?: readonly string[] | undefined;
  /**
   * Environment of the guest's program (WASI): names without = and NUL, values without
   * NUL.
   */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * The guest is trusted: it may use garbage-collected types (structs, arrays, exceptions
   * with references), with which it can fill the heap of its thread. Only with
   * `transport: 'mailbox'`. Default false.
   */
  readonly allowGc?: boolean | undefined;
  /**
   * Seed of the guest's random numbers (WASI `random_get`), 0 to 2^32 - 1. Default: the
   * system's random numbers.
   */
  readonly seed?: number | undefined;
  /**
   * The guest rings its one CMDQ without exits, and there is no CMDQV (the overlay path).
   * Default false.
   */
  readonly overlay?: boolean | undefined;
  /** `ecmdq`: the SMMU has ECMDQs, and there is no CMDQV. Default `vcmdq`. */
  readonly queues?: Queues | undefined;
  /** False keeps every register access trapped. Default true. */
  readonly directMaps?: boolean | undefined;
  /**
   * Its first SMMU takes part in the broadcast TLB maintenance of its vCPUs, on a host
   * with `btm`. Default: like the host.
   */
  readonly btm?: boolean | undefined;
  /**
   * Numbers of the host's SMMUs that translate for devices of the machine, each once: the
   * guest has one SMMU for each. 1 to 4 on the standard board, one on the board `virt`.
   * Default: all of the host's, up to the board's maximum.
   */
  readonly behind?: readonly number[] | undefined;
}

/** Numbers of SMMUs, each once. */
const smmuNumbers = v.pipe(
  v.array(integer(0, MAX_SMMUS - 1), expected('a list of numbers of SMMUs')),
  v.check(
    (numbers) => numbers.length > 0 && new Set(numbers).size === numbers.length,
    expected('a list of different numbers of SMMUs'),
  ),
);

export const HOST_SETTINGS = {
  iommu: option(
    oneOf(IOMMUS),
    'what the machines share: SMMUs with CMDQVs, or an AMD IOMMU (default: smmu)',
  ),
  smmus: option(
    integer(1, MAX_SMMUS),
    'SMMUs of the host, each with a CMDQV; its machines have devices at up to four (default: 1)',
  ),
  vintfs: option(
    powerOfTwo(64),
    "VINTFs of the host's CMDQV, its own among them (default: 16, or 32 for many machines)",
  ),
  vcmdqs: option(
    powerOfTwo(128),
    "VCMDQs of the host's CMDQV (default: two for each VINTF, four for more than two vCPUs)",
  ),
  hostRam: option(
    integer(1, MAX_HOST_RAM_MIB),
    'host RAM in MiB (default: 16, or 79 with --id-registers grace)',
    { value: 'mib' },
  ),
  idRegisters: option(
    oneOf(ID_REGISTERS),
    "ID registers of the host's SMMU, and so of its guests (default: default)",
  ),
  btm: option(yesNo, "the host's SMMUs take TLBIs of vCPUs (broadcast TLB maintenance)"),
  iotlbCheck: option(yesNo, 'detect missing invalidations of guests: the sanitizer', {
    flag: 'check',
  }),
  traceLimit: option(
    integer(2, MAX_TRACE_RECORDS),
    'records that a trace keeps: of more the first half and the newest (default: 250000)',
  ),
};

export const MACHINE_SETTINGS = {
  name: option(text, 'name of the machine in messages, of no other machine of the host'),
  memory: option(
    integer(1, MAX_MEMORY_MIB),
    'memory of each machine in MiB, and its limit (default: what the guest asks for)',
    { value: 'mib' },
  ),
  vcpus: option(integer(1, MAX_VCPUS), `vCPUs of each machine, 1 to ${MAX_VCPUS} (default: 1)`),
  transport: option(
    oneOf(TRANSPORTS),
    'where guests run, and how their exits reach the VMM (default: inline)',
  ),
  drain: option(oneOf(DRAINS), 'where the VCMDQs are drained (default: doorbell)'),
  args: option(words, "argument of the guest's program; may be repeated", {
    flag: 'arg',
    value: 'text',
  }),
  env: option(environment, "variable in the environment of the guest's program; may be repeated", {
    value: 'name=value',
  }),
  allowGc: option(
    yesNo,
    'the guest is trusted: it may have garbage-collected objects (with --transport mailbox)',
  ),
  seed: option(
    integer(0, MAX_COUNT),
    "seed of the guests' random numbers (default: the system's numbers)",
  ),
  overlay: option(
    yesNo,
    'the guest rings its one CMDQ without exits, and there is no CMDQV (the overlay path)',
  ),
  queues: option(
    oneOf(QUEUES),
    "queues of the direct path: a CMDQV's, or ECMDQs in its place (default: vcmdq)",
  ),
  directMaps: option(yesNo, 'trap every register access: no direct maps', { negative: true }),
  btm: option(yesNo, 'TLBIs of vCPUs reach the SMMU (broadcast TLB maintenance)'),
  behind: option(
    smmuNumbers,
    "numbers of the host's SMMUs that translate for devices of the machine",
  ),
};
