// SPDX-License-Identifier: MIT
// Role guest of the board `virt`: the machine's SMMU is nested in its host's, which lends
// it a VINTF.

import { VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import { guestIdRegisters, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import { unitsFor } from '../../threads/index.ts';
import { arm64ExitRequest } from '../../vcpu/arm64/index.ts';
import { abortFetches } from '../faulty-devices.ts';
import { placed } from './virt-memory-map.ts';
import type { VirtSmmu, VirtSmmuOptions } from './virt-smmu.ts';

/**
 * An SMMU that the machine's host lends it.
 * @throws {HostError} when the host has run out of something that it lends.
 */
export function guestRole({ board, memory, streams, msis }: VirtSmmuOptions): VirtSmmu {
  const { host, name, overlay = false, idRegisters = 'auto', behind = [0] } = board;
  const vm = host.createVm(name, memory.memory, [memory.ram], {
    exitRequest: arm64ExitRequest(memory),
    msis,
  });
  try {
    const viommu = host.createViommu(vm, streams, { cmdqv: true, overlay, smmu: behind[0] ?? 0 });
    const vintf = host.createVintf(viommu);
    const shown = idRegisters === 'auto' ? guestIdRegisters(viommu.hostIdRegisters) : idRegisters;
    const cmdqv = overlay ? undefined : placed('cmdqv', new VirtualCmdqv({ backend: vintf }));
    const { smmuBlock, context } = viommu;
    return {
      smmu: placed(
        'smmu',
        new VirtualSmmu({ backend: viommu, idRegisters: shown, onRefusal: board.onRefusal }),
      ),
      cmdqv,
      abortFetches: () => abortFetches([{ smmu: viommu, vintf }]),
      dmaPort: (stream) => host.dmaPort(viommu, stream),
      drain: vm.unit.drain,
      units: unitsFor(host, vm),
      vcpuRuns: (vcpu, runs) => host.vcpuRuns(vm, vcpu, runs),
      service: (full) => host.service(full),
      describe(machine, flushProcessors) {
        vm.onStop((reason) => machine.stop(reason));
        vm.onFlush(flushProcessors);
        return {
          drainable: {
            machine,
            threads: host,
            guest: vm,
            direct: [
              ...(cmdqv ? [{ smmuBlock, context: vintf.context, queues: vintf.queues }] : []),
              { smmuBlock, context, queues: [] },
            ],
          },
          vm,
          smmus: [{ smmu: viommu, vintf }],
        };
      },
      destroy: () => host.destroyVm(vm),
    };
  } catch (error) {
    host.destroyVm(vm);
    throw error;
  }
}
