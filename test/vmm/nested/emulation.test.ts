// SPDX-License-Identifier: MIT
// The policy `emulate` on a VCMDQ whose machine has an SMMU: commands that the SMMU
// executes itself on its CMDQ, it also executes when a VCMDQ does not support them.

import { describe, expect, it, vi } from 'vitest';
import {
  VCMDQ_CONS,
  VCMDQ_GERROR,
  VCMDQ_GERRORN,
  VCMDQ_PROD,
} from '../../../assembly/layout/cmdqv-registers.ts';
import { CERROR_ILL } from '../../../assembly/layout/commands.ts';
import { ABI_AT_EXIT_REQUEST } from '../../../assembly/layout/guest-abi.ts';
import { QUEUE_ERROR_HELD, QUEUE_ERROR_PUBLISHED } from '../../../assembly/layout/queue-memory.ts';
import {
  SMMU_CR0,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
} from '../../../assembly/layout/smmu-registers.ts';
import {
  attachDevices,
  BackgroundLoops,
  guestMemoryOf,
  SYSTEM_CLOCK,
} from '../../../devices/bus/index.ts';
import { VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import {
  bypassSte,
  cfgiAll,
  cfgiCd,
  cfgiSte,
  prefetchConfig,
  priResp,
  resume,
  stage1Ste,
  storeStructure,
  sync,
} from '../../../devices/tables/index.ts';
import { IommufdError, OPEN_GATE } from '../../../host/iommufd/index.ts';
import {
  type QueueErrorDecision,
  type QueueErrorEvent,
  VmHost,
} from '../../../vmm/nested/index.ts';
import { checkedHost } from '../../support/findings.ts';
import { idleDirectMaps } from '../../support/idle-direct-maps.ts';
import { lendVm, sendOnVcmdq, startVcmdq } from '../../support/lent-vm.ts';

const STREAMS = [8, 9, 10, 11, 12, 13];
const STE_SIZE = 64;
const LOG2_STREAMS = 5;

/**
 * A VM of six streams with an SMMU whose stream table is in its memory, and its first
 * VCMDQ.
 */
async function machine(decide: () => QueueErrorDecision = () => 'emulate', gate = OPEN_GATE) {
  const host = await checkedHost(VmHost, { gate });
  const asked: QueueErrorEvent[] = [];
  const lent = lendVm(host, 'vm', {
    onQueueError: (event) => {
      asked.push(event);
      return decide();
    },
    streams: STREAMS,
  });
  const { vm, viommu, memory } = lent;
  const smmu = new VirtualSmmu({ backend: viommu });
  const background = new BackgroundLoops();
  attachDevices([{ device: smmu, addresses: [0x09050000], firstIrq: 0 }], {
    memory: guestMemoryOf(vm.memory, vm.regions),
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    directMaps: idleDirectMaps(vm.memory),
    background,
    clock: SYSTEM_CLOCK,
  });
  const write = (offset: number, lo: number, hi = 0) =>
    smmu.write({ region: 0, offset, size: 4, lo, hi, vcpu: 0 });
  const table = memory.allocate(STE_SIZE << LOG2_STREAMS, STE_SIZE << LOG2_STREAMS);
  write(SMMU_STRTAB_BASE, table);
  write(SMMU_STRTAB_BASE_CFG, LOG2_STREAMS);
  write(SMMU_CR0, 1);
  while (background.poll() > 0);
  const attached = vi.spyOn(viommu, 'attachStream');
  startVcmdq(lent);
  return {
    asked,
    attached,
    /** Sids that were attached since the last call. */
    reloaded: () => attached.mock.calls.splice(0).map(([sid]) => sid),
    configure: (sid: number, ste = bypassSte()) =>
      storeStructure(memory, table + STE_SIZE * sid, ste),
    send: (...commands: readonly Uint32Array[]) => sendOnVcmdq(lent, ...commands),
    service: () => host.service(false),
    restart() {
      lent.vintf.freeQueue(0);
      startVcmdq(lent);
    },
    page0: () => [VCMDQ_CONS, VCMDQ_GERROR, VCMDQ_GERRORN].map((at) => lent.vintf.readPage0(0, at)),
  };
}

describe('a doorbell', () => {
  it('requests an exit of the guest while its VCMDQ waits for the host, and not otherwise', async () => {
    const host = await checkedHost(VmHost);
    const lent = lendVm(host);
    const { vm, vintf } = lent;
    startVcmdq(lent);
    const request = new Int32Array(vm.memory.buffer, ABI_AT_EXIT_REQUEST, 1);
    const ring = () => {
      request[0] = 0;
      vm.unit.drain.doorbell(vintf.doorbellId, VCMDQ_PROD);
      return request[0];
    };
    sendOnVcmdq(lent, sync());
    expect(ring()).toBe(0);
    sendOnVcmdq(lent, cfgiAll());
    expect([vintf.queue(0).state, ring()]).toEqual([QUEUE_ERROR_HELD, 1]);
    // Published: only the guest can handle and end it.
    host.service(true);
    expect([vintf.queue(0).state, ring()]).toEqual([QUEUE_ERROR_PUBLISHED, 0]);
  });
});

describe('"emulate" on a VCMDQ', () => {
  it('reads an STE again for CFGI_STE, and shows the guest no error', async () => {
    const { configure, send, service, reloaded, page0, asked } = await machine();
    configure(9);
    send(cfgiSte(9), sync());
    service();
    expect([reloaded(), page0(), asked.length]).toEqual([[9], [2, 0, 0], 1]);
  });

  it('does nothing for PREFETCH_CONFIG, and for a StreamID without a device', async () => {
    const { send, service, reloaded, page0 } = await machine();
    send(prefetchConfig(8), cfgiSte(3), cfgiCd(3, 0), sync());
    service();
    expect([reloaded(), page0()]).toEqual([[], [4, 0, 0]]);
  });

  it('executes CFGI_ALL in parts, a stream each and four in one service, and asks the policy once', async () => {
    const { configure, send, service, reloaded, page0, asked } = await machine();
    for (const sid of STREAMS) configure(sid);
    send(cfgiAll(), sync());
    service();
    expect([reloaded(), page0()]).toEqual([STREAMS.slice(0, 4), [0, 0, 0]]);
    service();
    expect([reloaded(), page0(), asked.length]).toEqual([STREAMS.slice(4), [2, 0, 0], 1]);
  });

  it('restarts CFGI_ALL on a queue that was freed before it was complete', async () => {
    const { configure, send, service, reloaded, page0, restart, asked } = await machine();
    for (const sid of STREAMS) configure(sid);
    send(cfgiAll(), sync());
    service();
    restart();
    reloaded();
    send(cfgiAll(), sync());
    service();
    service();
    expect([reloaded(), page0(), asked.length]).toEqual([STREAMS, [2, 0, 0], 2]);
  });

  it('reports commands that the CMDQ would not execute either', async () => {
    for (const refused of [
      Uint32Array.of(0x77, 0, 0, 0),
      resume(8, 1, 'retry'),
      secure(cfgiSte(8)),
      secure(prefetchConfig(8)),
      // RESP is reserved.
      priResp(8, 0, 3),
    ]) {
      const { send, service, reloaded, page0 } = await machine();
      send(sync(), refused);
      service();
      expect([reloaded(), page0()]).toEqual([[], [(CERROR_ILL << 24) | 1, 1, 0]]);
    }
  });

  it('needs a decision: a policy that makes none reports the error', async () => {
    const nothing = () => undefined as unknown as QueueErrorDecision;
    const { send, service, reloaded, page0 } = await machine(nothing);
    send(cfgiSte(9), sync());
    service();
    expect([reloaded(), page0()]).toEqual([[], [CERROR_ILL << 24, 1, 0]]);
  });

  it('reports a command for which the host has no memory, and continues with the others', async () => {
    let full = false;
    const { configure, send, service, page0 } = await machine(undefined, (_, what) => {
      if (full && what === 'nested HWPT') throw new IommufdError('ENOMEM', 'no memory');
    });
    full = true;
    configure(9, stage1Ste({ contextPtr: 0x80100000 }));
    send(cfgiSte(9), sync());
    expect(service).not.toThrow();
    expect(page0()).toEqual([CERROR_ILL << 24, 1, 0]);
  });

  it('reports a command that the host cannot read', async () => {
    const { configure, send, service, reloaded, page0 } = await machine(undefined, (_, what) => {
      if (what === 'refused command') throw new IommufdError('EFAULT', 'no access');
    });
    configure(9);
    send(cfgiSte(9), sync());
    service();
    expect([reloaded(), page0()]).toEqual([[], [CERROR_ILL << 24, 1, 0]]);
  });
});

function secure(command: Uint32Array): Uint32Array {
  command[0] = (command[0] ?? 0) | (1 << 10);
  return command;
}
