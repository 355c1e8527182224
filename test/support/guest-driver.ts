// SPDX-License-Identifier: MIT
// The compiled guest driver on a scripted device.

import { readFile } from 'node:fs/promises';
import { type FakeOptions, FakeSmmu } from './fake-smmu.ts';

type Call = (...values: number[]) => number;

/**
 * Exports of guest-driver/driver/driver-exports.ts that tests use; numbers come back
 * signed.
 */
export type DriverExports = Record<
  | 'probe'
  | 'reset'
  | 'resetQueues'
  | 'resetEnhancedQueues'
  | 'directQueueCount'
  | 'hypOwn'
  | 'lvcmdqCount'
  | 'setBypassVcmdq'
  | 'setCpu'
  | 'queueRing'
  | 'queueLog2'
  | 'queueProd'
  | 'queueErrors'
  | 'queueLastError'
  | 'queueLastErrorOpcode'
  | 'begin'
  | 'submit'
  | 'addCfgiAll'
  | 'addCfgiSte'
  | 'addCfgiCd'
  | 'addPrefetchConfig'
  | 'addTlbiNsnhAll'
  | 'addTlbiNhAll'
  | 'addTlbiNhAsid'
  | 'addTlbiNhVa'
  | 'addTlbiNhVaRange'
  | 'addTlbiPages'
  | 'addTlbiS12Vmall'
  | 'addTlbiS2Ipa'
  | 'addAtcInv'
  | 'addSync'
  | 'issueRaw'
  | 'invalidate'
  | 'invalidateSpace'
  | 'invalidateRepeatedly'
  | 'service'
  | 'events'
  | 'overflows'
  | 'event'
  | 'eventRingOffset'
  | 'newTable'
  | 'newContextDescriptor'
  | 'newContextDescriptors'
  | 'setContextDescriptor'
  | 'attachStream'
  | 'detach'
  | 'streamTableEntry'
  | 'map'
  | 'unmap'
  | 'descriptor'
  | 'bringUp'
  | 'newDomain'
  | 'domainTable'
  | 'domainAttach'
  | 'domainMap'
  | 'domainUnmap'
  | 'allocateBytes'
  | 'gpa'
  | 'doorbells'
  | 'registerRead32'
  | 'registerWrite32'
  | 'registerRead64'
  | 'registerWrite64'
  | '_initialize',
  Call
> & {
  readonly spinsPerWait: WebAssembly.Global;
  readonly queueWaits: WebAssembly.Global;
  readonly batchCommands: WebAssembly.Global;
};

export const RESULT_OK = 0;
export const RESULT_TIMEOUT = -1;
export const RESULT_UNSUPPORTED = -2;
export const RESULT_NO_MEMORY = -3;
export const RESULT_BAD_ARGUMENT = -5;
export const RESULT_EXISTS = -7;

const module = WebAssembly.compile(
  await readFile(new URL('../../guest-driver/driver.wasm', import.meta.url)),
);

/** A driver that has not accessed its device yet. */
export async function loadDriver(
  options: FakeOptions = {},
): Promise<{ driver: DriverExports; fake: FakeSmmu }> {
  const fake = new FakeSmmu(options);
  const instance = await WebAssembly.instantiate(await module, {
    env: { memory: fake.memory },
    vsmmu: fake.imports,
  });
  const driver = instance.exports as unknown as DriverExports;
  driver._initialize();
  return { driver, fake };
}

/** A driver that has enabled SMMU, VINTF 0 and its VCMDQs; the fake's log is empty. */
export async function bootDriver(
  options: FakeOptions = {},
): Promise<{ driver: DriverExports; fake: FakeSmmu }> {
  const booted = await loadDriver(options);
  for (const step of ['probe', 'reset', 'resetQueues'] as const) {
    const result = booted.driver[step]();
    if (result !== RESULT_OK) throw new Error(`${step}: ${result}`);
  }
  booted.fake.forget();
  return booted;
}
