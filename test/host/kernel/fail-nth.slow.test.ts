// SPDX-License-Identifier: MIT
// Every allocation of a host for a VM, and every access to a guest's memory on its
// behalf, made to fail one after the other, over the whole life of a VM on the real
// drivers: plain SMMUv3, CMDQV, and an overlaid CMDQ.

import { beforeAll, describe, expect, it } from 'vitest';
import { VCMDQ_CONFIG } from '../../../assembly/layout/cmdqv-registers.ts';
import { type HotModules, loadHotModules } from '../../../assembly/load.ts';
import { MachineError } from '../../../devices/plugin/index.ts';
import { atcInv, cfgiCd, sync, tlbiNhAsid, tlbiNsnhAll } from '../../../devices/tables/index.ts';
import { HostError } from '../../../host/hardware/index.ts';
import { IommufdError, type ResourceGate } from '../../../host/iommufd/index.ts';
import type { Vm } from '../../../host/kernel/index.ts';
import { type CreateViommuOptions, type NestedSmmu, VmHost } from '../../../vmm/nested/index.ts';
import { FailNth } from '../../support/fail-nth.ts';
import {
  ASID,
  attachStage1,
  guestRam,
  IOVA,
  RING_GPA,
  RING_LOG2SIZE,
  STREAM,
  sendOnCmdq,
  sendOnVcmdq,
} from '../../support/lent-vm.ts';

const OVERLAY_GPA = RING_GPA + 0x2000;

let modules: HotModules;
beforeAll(async () => {
  modules = await loadHotModules();
});

/** A host's allocated resources, and their owners. */
function state(host: VmHost, vm?: Vm, viommu?: NestedSmmu): unknown {
  const { vms, vmidsInUse, vintfsInUse, ramInUse } = host.statistics;
  const objects = viommu?.fd.describe().map(({ type, users }) => `${type} ${users}`);
  return { vms, vmidsInUse, vintfsInUse, ramInUse, references: vm?.references, objects };
}

/**
 * The life of a VM; each step is one request, and the state after a failed one is
 * checked.
 */
function live(host: VmHost, options: CreateViommuOptions): void {
  let vm: Vm | undefined;
  let viommu: NestedSmmu | undefined;
  const step = <T>(request: () => T): T => {
    const before = state(host, vm, viommu);
    try {
      return request();
    } catch (error) {
      expect(state(host, vm, viommu)).toEqual(before);
      throw error;
    }
  };
  const { wasm, regions, memory } = guestRam();
  const made = host.createVm('vm', wasm, regions);
  vm = made;
  try {
    const own = step(() =>
      host.createViommu(made, [STREAM, STREAM + 1], { ...options, onQueueError: () => 'emulate' }),
    );
    viommu = own;
    const lent = { viommu: own, memory };
    const port = host.dmaPort(own, STREAM);
    const read = (iova: number) => port.read(iova, new Uint8Array(1)).ok;
    step(() => attachStage1(lent));
    expect(read(IOVA)).toBe(true);
    if (options.cmdqv) {
      const vintf = step(() => host.createVintf(own));
      // A queue that cannot be allocated is a CMDQ_INIT_ERR of the guest, not an
      // exception.
      if (step(() => vintf.allocateQueue(0, RING_GPA, RING_LOG2SIZE))) {
        vintf.writePage0(0, VCMDQ_CONFIG, 1);
        step(() => sendOnVcmdq({ vintf, memory }, tlbiNsnhAll(), sync()));
        step(() => host.service(true));
      }
    }
    expect(read(IOVA)).toBe(true);
    step(() =>
      sendOnCmdq(
        lent,
        tlbiNhAsid(0, ASID),
        atcInv({ streamId: STREAM, address: 0, size: 52 }),
        sync(),
      ),
    );
    step(() => own.invalidateAll());
    step(() => own.invalidateContextDescriptors(STREAM, 0));
    expect([read(IOVA), read(IOVA + 0x1000)]).toEqual([true, false]);
    step(() => host.service(true));
    step(() => own.setGlobalBypass(false));
    if (own.overlay && step(() => own.overlay?.allocate(OVERLAY_GPA, RING_LOG2SIZE))) {
      step(() => own.overlay?.emulate([...cfgiCd(STREAM, 0)]));
      own.overlay.free();
    }
  } finally {
    host.destroyVm(made);
  }
}

/**
 * Whether an error is a typed one, or is the cause of a machine's failure at a safe
 * point.
 */
function typed(error: unknown): boolean {
  const cause = error instanceof MachineError ? error.cause : error;
  return cause instanceof IommufdError || cause instanceof HostError;
}

describe('the n-th allocation or access to guest memory that fails', () => {
  it.each([
    ['an SMMUv3', {}, 20, []],
    ['a CMDQV', { cmdqv: true }, 30, ['VINTF', 'LVCMDQ', 'refused command']],
    ['an overlaid CMDQ', { overlay: true }, 22, ['overlay']],
  ] as const)(
    'leaves nothing behind of %s, and no count wrong, whichever it is',
    async (_, options, least, own) => {
      let gate: ResourceGate = () => undefined;
      const host = await VmHost.create({ modules, gate: (...what) => gate(...what) });
      const before = state(host);
      const refused = new Set<string>();
      for (let n = 0; ; n++) {
        const fault = new FailNth(n);
        gate = fault.gate;
        let error: unknown;
        try {
          live(host, options);
        } catch (thrown) {
          error = thrown;
        }
        expect(state(host), fault.refused).toEqual(before);
        if (fault.refused === undefined) {
          expect(error).toBeUndefined();
          expect(n).toBeGreaterThan(least);
          break;
        }
        refused.add(fault.refused);
        if (error !== undefined) expect([typed(error), error]).toEqual([true, error]);
      }
      for (const what of [
        'VMID',
        'host RAM',
        'stage 2',
        'vSMMU',
        'nested HWPT',
        'IOAS area',
        'ring of commands',
        'vEVENTs',
        ...own,
      ])
        expect(refused).toContain(what);
    },
  );
});
