import { describe, it } from 'vitest';
import { loadHotModules } from '../../../assembly/load.ts';
import { Checkpoint } from '../../../devices/checkpoint/index.ts';
import { PhysicalCmdqv, VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { Pl011 } from '../../../devices/pl011/index.ts';
import { type ContractOptions, type DeviceFactory, deviceContract } from '../../../devices/testing/index.ts';
import { createHostMemory, Unit } from '../../../devices/unit/index.ts';
import { TestVintfBackend } from '../../support/vintf-backend.ts';

const modules = await loadHotModules();
const ignore = () => undefined;

function hostUnit(): Unit {
  return new Unit({ modules, hostMemory: createHostMemory({ ramSize: 0x100000 }), thread: 0 });
}

const devices: [string, DeviceFactory, ContractOptions?][] = [
  [
    'Pl011',
    () => new Pl011({ onOutput: ignore }),
    {
      stimulus: (device, random) => {
        if (device instanceof Pl011) device.receive(Uint8Array.from({ length: random.below(24) }, () => random.word()));
      },
    },
  ],
  ['DmaEngine', () => new DmaEngine()],
  ['Checkpoint', () => new Checkpoint({ onPhase: ignore, onResult: ignore })],
  ['PhysicalCmdqv', () => new PhysicalCmdqv({ unit: hostUnit(), smmuIndex: 0, vintfs: 2, vcmdqs: 4 })],
  [
    'PhysicalCmdqv that reports all errors',
    () => new PhysicalCmdqv({ unit: hostUnit(), smmuIndex: 0, vintfs: 1, vcmdqs: 2, reportErrors: 'all' }),
  ],
  ['VirtualCmdqv', (host) => new VirtualCmdqv({ backend: new TestVintfBackend(modules, host) })],
];

describe.each(devices)('%s', (_name, factory, options) => {
  for (const { name, run } of deviceContract(factory, options)) it(name, run);
});
