// SPDX-License-Identifier: MIT
// What ends the WFI of a vCPU on its own thread, and what it reports then: with `asleep`,
// its machine assumes that only a device can wake it.

import { beforeEach, expect, it } from 'vitest';
import {
  ARM64_CNTV_CTL,
  ARM64_CNTV_CVAL,
  ARM64_PC,
} from '../../../../assembly/layout/arm64-state.ts';
import { loadArm64 } from '../../../../assembly/load.ts';
import { assembleProgram } from '../../../../vmm/vcpu/arm64/a64-program.ts';
import { Arm64Runner, type ThreadInterrupts } from '../../../../vmm/vcpu/arm64/arm64-runner.ts';
import { ANSWER_OFF } from '../../../../vmm/vcpu/arm64/arm64-transport.ts';
import { Arm64Machine } from '../../../arm64/el0-machine.ts';

const BASE = 0x2000_0000;
const module = await loadArm64();

let machine: Arm64Machine;
/** Calls of the thread, and its report that it sleeps. */
let log: string[];
/** Another thread's action while it sleeps: before its second check for an interrupt. */
let meanwhile: () => void;
let isAsserted: boolean;

beforeEach(() => {
  machine = new Arm64Machine({ ramGpa: BASE });
  machine.bytes.set(assembleProgram('wfi\n hlt #0xf000', BASE), machine.at(BASE));
  machine.setU64(ARM64_PC, BigInt(BASE));
  log = [];
  isAsserted = false;
});

function run() {
  const { memory, cpu, block } = machine;
  let [isAsleep, looks] = [false, 0];
  const interrupts: ThreadInterrupts = {
    connect: () => undefined,
    irqAsserted() {
      if (isAsleep && ++looks === 2) meanwhile();
      return isAsserted;
    },
    setPrivateLine: () => undefined,
    readInterface: () => undefined,
    writeInterface: () => false,
    setAsleep(_vcpu, asleep) {
      isAsleep = asleep;
      log.push(asleep ? 'sleeps' : 'wakes');
    },
  };
  const runner = new Arm64Runner({
    index: 0,
    module,
    memory: { memory, cpus: cpu, block: cpu, board: 0 },
    interrupts,
    calls: {
      mmio: () => 0,
      hypercall: () => ANSWER_OFF,
      semihosting: () => ANSWER_OFF,
      wait() {
        log.push('pauses');
        block.clearExitRequest();
        block.setStop(true);
      },
    },
    drain: { doorbell: () => undefined },
    timeOrigin: performance.timeOrigin,
  });
  return runner.run();
}

/** A timer that fires in 30 years. */
function setTimer(): void {
  machine.setU64(ARM64_CNTV_CVAL, 1n << 60n);
  machine.setU32(ARM64_CNTV_CTL, 1);
}

const stop = () => machine.block.setStop(true);

it('stopped without a timer it reports that it was asleep', () => {
  meanwhile = stop;
  expect([run(), log]).toEqual(['asleep', ['sleeps', 'wakes']]);
});

it('stopped with a timer it does not: the timer can wake it', () => {
  setTimer();
  meanwhile = stop;
  expect([run(), log]).toEqual(['stopped', ['sleeps', 'wakes']]);
});

it('requested to exit it pauses in this call, and does not return for it', () => {
  meanwhile = () => machine.block.requestExit();
  expect([run(), log]).toEqual(['stopped', ['sleeps', 'wakes', 'pauses']]);
});

it('woken by an interrupt it continues', () => {
  meanwhile = () => {
    isAsserted = true;
  };
  expect([run(), log]).toEqual(['off', ['sleeps', 'wakes']]);
});
