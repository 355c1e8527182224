// SPDX-License-Identifier: MIT
// Packets that no real debugger sends: some valid, some changed, some random bytes. Each
// is answered or refused, nothing throws, and afterwards the session still reports the
// state of the machine. Where a packet detaches or kills, and a changed one may by chance,
// another debugger connects.

import { Random } from '../../../devices/testing/index.ts';
import { bytesOf, packetOf } from '../../../vmm/gdb/packet-reader.ts';
import { image } from '../../vmm/boards/virt/virt-programs.ts';
import { GdbClient } from '../../vmm/gdb/gdb-client.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';

const OPERATIONS = 400;
/** Counts forever, and stores the count. */
const PROGRAM = image({
  0: [
    0xd2a80601, // mov x1, #0x40300000
    0x91000400, // add x0, x0, #1
    0xf9000020, // str x0, [x1]
    0x17fffffe, // b 0x4
  ],
});
const ADDRESSES = ['40200000', '40200008', '40300000', '9000000', '0', 'ffffffffffffffff', 'zz'];
const LENGTHS = ['0', '1', '4', '8', '1000', 'ffffffff', '-1', ''];
const MONITOR = ['help', 'ste 8', 'walk 8 0', 'iotlb all', 'vcmdqs', 'cd 8', 'phys on', 'x'];
const FIXED = [
  ...['?', 'g', 'G00', 'qSupported:swbreak+', 'QStartNoAckMode', 'vCont?', 'qC', 'qAttached'],
  ...['qfThreadInfo', 'qsThreadInfo', 'qThreadExtraInfo,1', 'qXfer:features:read:target.xml:0,ffb'],
  ...['Hg0', 'Hg2', 'Hc-1', 'T1', 'Tff', 'Qqemu.PhyMemMode:0', 's', 'c', 'c40200004', 'S05', '!'],
  ...['vCont;s', 'vCont;c', 'vCont;s:1;c', 'vCont;t:1', 'vCont;r40200000,40200010:1', 'vCont;;:'],
];
/** These end the session: fewer of them, as a machine has to be made after a kill. */
const LAST = ['D', 'D;1', 'k', 'vKill;1'];

function packet(random: Random): string {
  const address = random.pick(ADDRESSES);
  const length = random.pick(LENGTHS);
  const number = random.below(200).toString(16);
  switch (random.below(8)) {
    case 0:
      return `m${address},${length}`;
    case 1:
      return `${random.pick(['M', 'X'])}${address},${length}:${'a'.repeat(random.below(20))}`;
    case 2:
      return `${random.pick(['Z', 'z'])}${random.below(6)},${address},${length}`;
    case 3:
      return `p${number}`;
    case 4:
      return `P${number}=${'7f00000040000000'.slice(random.below(17))}`;
    case 5:
      return `qRcmd,${Buffer.from(random.pick(MONITOR)).toString('hex')}`;
    default:
      return random.pick(random.below(64) === 0 ? LAST : FIXED);
  }
}

/** Some bytes of it changed, removed, or repeated. */
function changed(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = [...bytes];
  for (let left = random.below(4); left > 0; left--)
    copy.splice(random.below(copy.length), random.below(3), random.below(256));
  return Uint8Array.from(copy);
}

/** A debugger that has just connected to a machine. */
const connected = (): Promise<GdbClient> => GdbClient.create(PROGRAM, { vcpus: 2 });

/** The debugger after one that has detached, or has killed its machine. */
async function next(client: GdbClient): Promise<GdbClient> {
  if (client.machine.status === 'paused') {
    client.reconnect();
    return client;
  }
  await client.end();
  return connected();
}

class DebuggerFuzzer implements Fuzzer {
  async run(seed: number): Promise<number> {
    const random = new Random(seed);
    let client = await connected();
    try {
      for (let i = 0; i < OPERATIONS; i++) {
        const whole = packetOf(packet(random));
        client.gdb.receive(random.below(4) === 0 ? changed(random, whole) : whole);
        if (client.gdb.isOver) client = await next(client);
        if (random.below(8) === 0) await client.machine.step(0.001);
        if (random.below(16) === 0) client.gdb.receive(Uint8Array.of(3));
      }
      // Any incomplete packet ends here, and a running machine stops.
      client.gdb.receive(bytesOf('#00'));
      if (client.gdb.isOver) client = await next(client);
      client.gdb.receive(Uint8Array.of(3));
      await client.stop(4);
      const reply = client.ask('?');
      ensure(/T0[25]/.test(reply), () => `the session answers ${JSON.stringify(reply)}`);
    } finally {
      await client.end();
    }
    return OPERATIONS;
  }
}

export const debuggers: FuzzTarget = {
  name: 'debugger',
  create: () => Promise.resolve(new DebuggerFuzzer()),
};
