// SPDX-License-Identifier: MIT
// Every wait ends: each test reaches one of the limits in the table of
// docs/internals/architecture.md, section "Threads". (The others: a guest that cannot be
// paused, stopped or made to acknowledge in mailbox.test.ts, the nap in
// side-core.test.ts, polls of CONS in test/guest-driver/queues.test.ts.)

import { afterEach, describe, expect, it, vi } from 'vitest';
import { QUEUE_OWNERS } from '../../../assembly/layout/queue-memory.ts';
import { Bus } from '../../../devices/bus/index.ts';
import { DeviceRegisters } from '../../../host/hardware/device-registers.ts';
import { VmHost as PlainHost } from '../../../vmm/nested/index.ts';
import { VMM_WORDS } from '../../../vmm/threads/control-block.ts';
import { MailboxClient, MailboxServer } from '../../../vmm/threads/mailbox.ts';
import { checkedModules } from '../../support/findings.ts';
import { hasten } from '../../support/hasten.ts';
import { lendVm, startVcmdq } from '../../support/lent-vm.ts';
import { PhysicalBoard } from '../../support/physical-cmdqv.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';
import { threadMachine } from '../../support/thread-machine.ts';
import { GUEST_PAGES, reactor } from '../../support/wat.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function mailbox() {
  const server = new MailboxServer([{ call: () => 7, spinMs: 0 }]);
  const client = new MailboxClient(server.buffer, new SharedArrayBuffer(4 * VMM_WORDS));
  client.open(0, 0);
  return { server, client };
}

describe('a vCPU', () => {
  it('waits as long as a VMM is busy with another machine', () => {
    const { client, server } = mailbox();
    hasten(3000);
    // The VMM reaches it after 300 sleeps of 50 ms.
    let sleeps = 0;
    vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      if (++sleeps === 300) server.serve();
      return 'timed-out';
    });
    expect([client.post(), sleeps]).toEqual([7, 300]);
  });

  it('stops waiting for an answer when it is stopped', () => {
    const { client, server } = mailbox();
    server.setStopped();
    const start = performance.now();
    expect(() => client.post()).toThrow('the vCPU was stopped');
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('leaves a pause when it is stopped', async () => {
    const { machine } = await threadMachine({
      guest: reactor(
        `(func $run (param i32) (result i32)
          (loop $again
            (call $wait (i32.const 1))
            (i32.atomic.store (i32.const ${GUEST_PAGES * 0x8000}) (i32.const 1))
            (br $again))
          (i32.const 2))`,
        '(import "vsmmu" "wait" (func $wait (param i32)))',
      ),
    });
    await machine.boot();
    const run = machine.run();
    const words = new Int32Array(machine.memory.buffer);
    while (Atomics.load(words, (GUEST_PAGES * 0x8000) >> 2) === 0)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await machine.pause();
    machine.stop('enough');
    expect(await run).toBe('stopped');
    await machine.reset();
  });

  it('that makes no exits does not keep the VMM from its devices for more than 10 ms', async () => {
    let polls = 0;
    const device = new ScratchDevice();
    const { machine } = await threadMachine({
      guest: reactor(
        '(func $run (param i32) (result i32) (loop $again (br $again)) (i32.const 2))',
      ),
      devices: [{ device, addresses: [0x09000000], firstIrq: 3 }],
    });
    device.host?.background({
      name: 'count',
      poll: () => {
        polls++;
        return 0;
      },
    });
    await machine.boot();
    const run = machine.run();
    const before = polls;
    await new Promise((resolve) => setTimeout(resolve, 500));
    // Fifty in 500 ms; a third of that while others use the cores.
    expect(polls - before).toBeGreaterThan(16);
    machine.stop('enough');
    expect(await run).toBe('stopped');
    await machine.reset();
  });
});

describe('the host', () => {
  it('gives up on a register after 100,000 reads and one second', () => {
    const device = new ScratchDevice();
    const registers = new DeviceRegisters(
      new Bus([{ device, region: 0, address: 0x1000 }]),
      0x1000,
      'smmu',
    );
    let looks = 0;
    hasten(2000);
    const never = () => {
      looks++;
      return false;
    };
    expect(() => registers.poll(0x10, 'CMD_SYNC', never)).toThrow(
      'smmu: CMD_SYNC timed out, register 0x10 reads 0x80000010',
    );
    expect(looks).toBe(100_000);
  });

  it('takes a queue away from a thread that keeps it, after a second', async () => {
    const cmdqv = new PhysicalBoard(await checkedModules());
    cmdqv.bringUp({ hypOwn: true });
    const queue = cmdqv.queue(0);
    const words = new Int32Array(cmdqv.unit.hostMemory.buffer);
    Atomics.store(words, (queue.address + QUEUE_OWNERS) >> 2, 1);
    const start = performance.now();
    cmdqv.bus.write32(0x0200, 0);
    expect(performance.now() - start).toBeGreaterThanOrEqual(1000);
    expect([queue.allocated, queue.enabled, cmdqv.bus.read32(0x1000c)]).toEqual([false, false, 0]);
  });

  it('is refused a queue that another thread keeps', async () => {
    const host = await PlainHost.create();
    const lent = lendVm(host);
    startVcmdq(lent);
    const queue = lent.vintf.queue(0);
    const owners = (queue.address + QUEUE_OWNERS) >> 2;
    Atomics.store(new Int32Array(host.memory.buffer), owners, 1);
    for (const operation of ['publishError', 'stepOver', 'resume'] as const)
      expect(lent.vm.unit.drain[operation](queue.smmu, queue.index)).toBe(0);
    Atomics.store(new Int32Array(host.memory.buffer), owners, 0);
    expect(lent.vm.unit.drain.resume(queue.smmu, queue.index)).toBe(1);
  });
});
