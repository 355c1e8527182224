// SPDX-License-Identifier: MIT
// A debugger attached to a machine `virt`, by packets.

import { afterEach, describe, expect, it } from 'vitest';
import { connectGdb } from '../../../vmm/api/index.ts';
import { bytesOf, textOf } from '../../../vmm/gdb/packet-reader.ts';
import { HELLO, image } from '../boards/virt/virt-programs.ts';
import { GdbClient } from './gdb-client.ts';

let client: GdbClient | undefined;

afterEach(async () => {
  await client?.end();
  client = undefined;
});

/** The program is at the beginning of RAM, where it is loaded. */
async function debug(program: Uint8Array<ArrayBuffer>, options = {}): Promise<GdbClient> {
  client = await GdbClient.create(program, options);
  return client;
}

const hex = (value: number) => value.toString(16);

/** Counts X0 up to 3 in memory at 0x40300000, and powers off. */
const COUNT = image({
  0: [
    0xd2a80601, // mov x1, #0x40300000
    0xd2800000, // mov x0, #0
    0x91000400, // add x0, x0, #1
    0xf9000020, // str x0, [x1]
    0xf9400022, // ldr x2, [x1]
    0xf1000c1f, // cmp x0, #3
    0x54ffff81, // b.ne 0x8
    0xd2b08000, // mov x0, #0x84000000
    0xf2800100, // movk x0, #8
    0xd4000002, // hvc #0
  ],
});
const [ADD, STORE, LOAD, END] = [8, 12, 16, 28];

describe('a session', () => {
  it('begins at the first instruction, of which nothing has been executed', async () => {
    const gdb = await debug(HELLO);
    const start = gdb.pc;
    await gdb.machine.step();
    await gdb.machine.step();
    expect(gdb.pc).toBe(start);
    expect(gdb.output).toBe('');
    expect(gdb.ask('?')).toBe('T05thread:1;');
    expect(gdb.memory(start, 4)).toBe('0120a1d2');
    expect(await gdb.resume('c')).toBe('W00');
    expect(gdb.output).toBe('hello\n');
  });

  it('describes its registers', async () => {
    const gdb = await debug(HELLO);
    const xml = gdb.description();
    expect(xml.startsWith('<?xml version="1.0"?>')).toBe(true);
    expect(xml.endsWith('</target>\n')).toBe(true);
    expect(xml).toContain('name="x30" bitsize="64" type="uint64" regnum="30"');
    expect(xml).toContain('name="pc" bitsize="64" type="code_ptr" regnum="32"');
    expect(xml).not.toContain('ICC_IAR1_EL1');
    expect(gdb.description(0x7f)).toBe(xml);
    expect(gdb.ask('qXfer:features:read:target.xml:ffffff,10')).toBe('l');
    expect(gdb.ask('qXfer:features:read:other.xml:0,10')).toBe('E00');
  });

  it('reads and writes registers, those of the system too', async () => {
    const gdb = await debug(HELLO);
    expect(gdb.register('SCTLR_EL1') & 1n).toBe(0n);
    expect(gdb.register('CNTFRQ_EL0')).toBe(1_000_000_000n);
    expect(gdb.register('cpsr')).toBe(0x3c5n);
    expect(gdb.ask('P5=8877665544332211')).toBe('OK');
    expect(gdb.register('x5')).toBe(0x1122334455667788n);
    expect(gdb.ask('g').slice(5 * 16, 6 * 16)).toBe('8877665544332211');
    // N and V, EL0, PAN.
    expect(gdb.ask('P21=00004090')).toBe('OK');
    expect(gdb.register('cpsr')).toBe(0x9040_0000n);
    expect(gdb.register('CurrentEL')).toBe(0n);
    // There is no EL2.
    expect(gdb.ask('P21=09000000')).toBe('E01');
    expect(gdb.register('cpsr')).toBe(0x9040_0000n);
  });

  it('writes system registers as MSR does', async () => {
    const gdb = await debug(HELLO);
    const xml = gdb.description();
    const numberOf = (name: string) =>
      hex(Number(new RegExp(`name="${name}" [^>]*regnum="(\\d+)"`).exec(xml)?.[1]));
    expect(gdb.ask(`P${numberOf('VBAR_EL1')}=ff08204000000000`)).toBe('OK');
    expect(gdb.register('VBAR_EL1')).toBe(0x4020_0800n);
    expect(gdb.ask(`P${numberOf('MIDR_EL1')}=0000000000000000`)).toBe('E01');
    expect(gdb.ask(`P${numberOf('SP_EL0')}=1000000000000000`)).toBe('OK');
    expect(gdb.register('SP_EL0')).toBe(0x10n);
    // EL0 has it for its SP.
    expect(gdb.ask('P21=00000000')).toBe('OK');
    expect(gdb.register('sp')).toBe(0x10n);
    expect(gdb.register('SP_EL0')).toBe(0x10n);
  });

  it('writes all of the core registers, or refuses', async () => {
    const gdb = await debug(HELLO);
    const before = gdb.ask('g');
    expect(gdb.ask(`G${'0100000000000000'}${before.slice(16)}`)).toBe('OK');
    expect(gdb.register('x0')).toBe(1n);
    expect(gdb.ask('G00')).toBe('E01');
    expect(gdb.ask('G')).toBe('E01');
  });

  it('reads and writes memory, code that has been executed too', async () => {
    const gdb = await debug(COUNT);
    const start = gdb.pc;
    expect(await gdb.resume(`Z0,${hex(start + END)},4`)).toBe('OK');
    expect(gdb.ask(`Z0,${hex(start + STORE)},4`)).toBe('OK');
    await gdb.resume('c');
    // add x0, x0, #1 becomes add x0, x0, #2: 1, 3.
    expect(gdb.ask(`M${hex(start + ADD)},4:00080091`)).toBe('OK');
    gdb.ask(`z0,${hex(start + STORE)},4`);
    await gdb.resume('c');
    expect(gdb.pc).toBe(start + END);
    expect(gdb.memory(0x40300000, 8)).toBe('0300000000000000');
    expect(gdb.ask('X40300000,2:ab')).toBe('OK');
    expect(gdb.memory(0x40300000, 2)).toBe('6162');
    expect(gdb.ask('M40300000,2:ab')).toBe('E01');
  });

  it('has no memory but RAM, and reports where that ends', async () => {
    const gdb = await debug(HELLO);
    expect(gdb.memory(0x09000000, 4)).toBe('E14');
    expect(gdb.ask('M9000000,1:41')).toBe('E14');
    expect(gdb.memory(0x4100_0000 - 2, 8)).toBe('0000');
    expect(gdb.ask(`M${hex(0x4100_0000 - 2)},4:41414141`)).toBe('E14');
    expect(gdb.memory(0x4100_0000 - 2, 2)).toBe('0000');
    expect(gdb.output).toBe('');
  });

  it('treats addresses as physical on request', async () => {
    const gdb = await debug(HELLO);
    expect(gdb.ask('qqemu.PhyMemMode')).toBe('0');
    expect(gdb.ask('Qqemu.PhyMemMode:1')).toBe('OK');
    expect(gdb.ask('qqemu.PhyMemMode')).toBe('1');
    expect(gdb.memory(gdb.pc, 4)).toBe('0120a1d2');
    expect(gdb.monitor('phys off')).toBe("addresses are the vCPU's\n");
    expect(gdb.ask('qqemu.PhyMemMode')).toBe('0');
  });

  it('inspects its ITS', async () => {
    const gdb = await debug(HELLO);
    expect(gdb.monitor('its')).toMatch(/^ITS: disabled\n/);
  });
});

describe('a machine that is debugged', () => {
  it('stops at breakpoints, before their instruction, each time', async () => {
    const gdb = await debug(COUNT);
    const start = gdb.pc;
    expect(gdb.ask(`Z0,${hex(start + STORE)},4`)).toBe('OK');
    for (const count of [1, 2, 3]) {
      expect(await gdb.resume('c')).toBe('T05thread:1;');
      expect(gdb.pc).toBe(start + STORE);
      expect(gdb.register('x0')).toBe(BigInt(count));
      expect(Number.parseInt(gdb.memory(0x40300000, 1), 16)).toBe(count - 1);
      // A breakpoint is removed to step over it.
      gdb.ask(`z0,${hex(start + STORE)},4`);
      expect(await gdb.resume('vCont;s:1')).toBe('T05thread:1;');
      expect(gdb.pc).toBe(start + LOAD);
      gdb.ask(`Z0,${hex(start + STORE)},4`);
    }
    expect(await gdb.resume('c')).toBe('W00');
  });

  it('names its breakpoints to a client that supports the names', async () => {
    const gdb = await debug(COUNT);
    expect(gdb.ask('qSupported:multiprocess+;swbreak+;hwbreak+')).toContain('swbreak+;hwbreak+');
    const start = gdb.pc;
    gdb.ask(`Z1,${hex(start + STORE)},4`);
    expect(await gdb.resume('c')).toBe('T05hwbreak:;thread:1;');
    gdb.ask(`z1,${hex(start + STORE)},4`);
    gdb.ask(`Z0,${hex(start + LOAD)},4`);
    expect(await gdb.resume('c')).toBe('T05swbreak:;thread:1;');
  });

  it.each([
    ['2', 'watch', STORE],
    ['3', 'rwatch', LOAD],
    ['4', 'awatch', STORE],
  ])('stops before an access that a watchpoint of kind %s is for', async (kind, name, at) => {
    const gdb = await debug(COUNT);
    const start = gdb.pc;
    expect(gdb.ask(`Z${kind},40300004,2`)).toBe('OK');
    expect(await gdb.resume('c')).toBe(`T05${name}:40300004;thread:1;`);
    expect(gdb.pc).toBe(start + at);
    expect(gdb.memory(0x40300000, 1)).toBe(at === STORE ? '00' : '01');
    expect(gdb.ask(`z${kind},40300004,2`)).toBe('OK');
    expect(await gdb.resume('c')).toBe('W00');
  });

  it('steps, also for as long as it is in a range', async () => {
    const gdb = await debug(COUNT);
    const start = gdb.pc;
    expect(await gdb.resume('s')).toBe('T05thread:1;');
    expect(gdb.pc).toBe(start + 4);
    expect(await gdb.resume(`vCont;r${hex(start)},${hex(start + END)}:1`)).toBe('T05thread:1;');
    expect(gdb.pc).toBe(start + END);
    expect(gdb.register('x0')).toBe(3n);
  });

  it('is interrupted in the middle of anything', async () => {
    const gdb = await debug(image({ 0: [0x14000000] }));
    const start = gdb.pc;
    gdb.send('vCont;c');
    for (let i = 0; i < 3; i++) await gdb.machine.step();
    expect(gdb.take()).toBe('');
    // No request is sent to a running machine.
    expect(gdb.ask('g')).toBe('E01');
    gdb.gdb.receive(Uint8Array.of(3));
    expect(await gdb.stop()).toBe('T02thread:1;');
    expect(gdb.pc).toBe(start);
    // It has stopped already.
    gdb.gdb.receive(Uint8Array.of(3));
    expect(await gdb.stop(2)).toBe('');
  });

  it.each([false, true])(
    'goes as it would without a debugger, with translated code %s',
    async (translate) => {
      const gdb = await debug(COUNT, { translate });
      const start = gdb.pc;
      gdb.ask(`Z0,${hex(start + ADD)},4`);
      gdb.ask('Z4,40300000,8');
      let stops = 0;
      // Without a step in between it would stop at the same place forever.
      for (let reply = await gdb.resume('c'); reply.startsWith('T05'); stops++) {
        gdb.ask(`z0,${hex(start + ADD)},4`);
        gdb.ask('z4,40300000,8');
        await gdb.resume('vCont;s:1');
        gdb.ask(`Z0,${hex(start + ADD)},4`);
        gdb.ask('Z4,40300000,8');
        reply = await gdb.resume('c');
      }
      expect(stops).toBe(9);
      const { timeNs } = gdb.machine.statistics;
      const other = await GdbClient.create(COUNT, { translate });
      expect(await other.resume('c')).toBe('W00');
      expect(other.machine.statistics.timeNs).toBe(timeNs);
      await other.end();
    },
  );

  it('continues without a debugger that detaches or disappears', async () => {
    const gdb = await debug(HELLO);
    gdb.ask(`Z0,${hex(gdb.pc)},4`);
    expect(gdb.ask('D')).toBe('OK');
    expect(gdb.gdb.isOver).toBe(true);
    expect(await gdb.resume('g')).toBe('');
    expect(gdb.output).toBe('hello\n');
  });

  it('keeps a machine whose vector faults for ever, until the debugger has gone', async () => {
    // VBAR_EL1 is 0, where nothing can be fetched from.
    const gdb = await debug(image({ 0: [0] }));
    gdb.send('c');
    for (let turn = 0; turn < 5; turn++) await gdb.machine.step();
    expect([gdb.machine.status, gdb.take()]).toEqual(['paused', '']);
    gdb.gdb.receive(Uint8Array.of(3));
    expect(await gdb.stop()).toMatch(/^T02/);
    expect(gdb.pc).toBe(0x200);
    gdb.gdb.close();
    for (let turn = 0; turn < 5 && gdb.machine.status === 'paused'; turn++)
      await gdb.machine.step();
    expect(gdb.machine.status).not.toBe('paused');
  });

  it('ends when it is killed', async () => {
    const gdb = await debug(image({ 0: [0x14000000] }));
    gdb.send('k');
    expect(await gdb.machine.wait()).toMatchObject({
      status: 'stopped',
      reason: 'killed by the debugger',
    });
  });

  it('has ended for a debugger that comes later', async () => {
    const gdb = await debug(HELLO);
    expect(await gdb.resume('c')).toBe('W00');
    expect(gdb.ask('?')).toBe('W00');
    expect(gdb.ask('g')).toBe('E01');
    expect(gdb.ask('vCont;c')).toBe('E01');
  });
});

describe('threads', () => {
  /**
   * vCPU 0 starts vCPU 1 at 0x40, and waits for the word at 0x40300000; vCPU 1 stores it.
   */
  const TWO = image({
    0: [
      0xd2800021, // mov x1, #1
      0x100001e2, // adr x2, 0x40
      0xd2800003, // mov x3, #0
      0xd2b88000, // mov x0, #0xc4000000
      0xf2800060, // movk x0, #3
      0xd4000002, // hvc #0
      0xd2a80601, // mov x1, #0x40300000
      0xb9400022, // ldr w2, [x1]
      0x34ffffe2, // cbz w2, 0x1c
      0xd2b08000, // mov x0, #0x84000000
      0xf2800100, // movk x0, #8
      0xd4000002, // hvc #0
    ],
    64: [
      0xd2a80601, // mov x1, #0x40300000
      0x52800022, // mov w2, #1
      0xb9000022, // str w2, [x1]
      0x14000000, // b .
    ],
  });

  it('are vCPUs, each with its registers', async () => {
    const gdb = await debug(TWO, { vcpus: 2 });
    const start = gdb.pc;
    expect(gdb.ask('qfThreadInfo')).toBe('m1,2');
    expect(gdb.ask('qsThreadInfo')).toBe('l');
    const info = (thread: number) =>
      Buffer.from(gdb.ask(`qThreadExtraInfo,${thread}`), 'hex').toString();
    expect([info(1), info(2)]).toEqual(['vCPU 0: runs', 'vCPU 1: off']);
    gdb.ask(`Z0,${hex(start + 72)},4`);
    expect(await gdb.resume('vCont;c')).toBe('T05thread:2;');
    expect(gdb.ask('qC')).toBe('QC2');
    expect(gdb.pc).toBe(start + 72);
    expect(info(2)).toBe('vCPU 1: runs');
    expect(gdb.ask('Hg1')).toBe('OK');
    expect([28, 32]).toContain(gdb.pc - start);
    expect(gdb.ask('Hg3')).toBe('E01');
    expect(gdb.ask('T2')).toBe('OK');
    expect(gdb.ask('T3')).toBe('E01');
  });

  it('step alone while the others are stopped, and in parallel otherwise', async () => {
    const gdb = await debug(TWO, { vcpus: 2 });
    const start = gdb.pc;
    gdb.ask(`Z0,${hex(start + 28)},4`);
    expect(await gdb.resume('vCont;c')).toBe('T05thread:1;');
    gdb.ask(`z0,${hex(start + 28)},4`);
    // vCPU 0 spins; vCPU 1 has executed nothing.
    for (let i = 0; i < 10; i++) expect(await gdb.resume('vCont;s:1')).toBe('T05thread:1;');
    expect(gdb.memory(0x40300000, 1)).toBe('00');
    expect(await gdb.resume('vCont;s:1;c')).toBe('T05thread:1;');
    expect(await gdb.resume('vCont;s:1;c')).toBe('T05thread:1;');
    expect(gdb.memory(0x40300000, 1)).toBe('01');
    expect(await gdb.resume('vCont;c')).toBe('W00');
  });
});

describe('what makes no sense', () => {
  it('is answered by nothing where a packet is not known', async () => {
    const gdb = await debug(HELLO);
    for (const packet of ['vMustReplyEmpty', 'qTStatus', 'R00', 'i', '', 'vFile:open:61,0,0'])
      expect(gdb.askAll(packet), packet).toEqual(['']);
  });

  it('is refused', async () => {
    const gdb = await debug(HELLO);
    const packets = [
      ...['m', 'm,', 'mx,1', 'm0', 'Mzz:00', 'X0,5:ab', 'p', 'pffff', 'P', 'P0', 'P0=0', 'G0'],
      ...['Z0', 'Z0,x,4', 'Z2,0,0', 'Z2,0,fffffff', 'Z0,0,4;X1', 'H', 'Hg', 'Hx1', 'T', 'qRcmd,x'],
      ...['vCont;x', 'vCont;c:99', 'vCont;r1:1', 'vCont;t', 'c!', 's@', 'qThreadExtraInfo,'],
    ];
    for (const packet of packets) expect(gdb.ask(packet), packet).toMatch(/^E[0-9a-f]{2}$/);
    expect(await gdb.resume('c')).toBe('W00');
  });

  it('is more breakpoints or watchpoints than the CPU has', async () => {
    const gdb = await debug(HELLO);
    const set = (type: number, count: number) =>
      Array.from({ length: count }, (_, n) => gdb.ask(`Z${type},${hex(0x1000 * n)},4`));
    expect(new Set(set(0, 256))).toEqual(new Set(['OK']));
    expect(gdb.ask('Z1,ffffffffffff0000,4')).toBe('E28');
    // Setting an existing one has no effect.
    expect(gdb.ask('Z1,1000,4')).toBe('OK');
    expect(new Set(set(2, 32))).toEqual(new Set(['OK']));
    expect(gdb.ask('Z2,ffffffffffff0000,4')).toBe('E28');
    expect(gdb.ask('z2,0,4')).toBe('OK');
    expect(gdb.ask('Z2,ffffffffffff0000,4')).toBe('OK');
  });

  it('is requested again until acknowledgements are switched off', async () => {
    const gdb = await debug(HELLO);
    const sent: string[] = [];
    const session = connectGdb(gdb.machine, (bytes) => sent.push(textOf(bytes)));
    const receive = (text: string) => {
      session.receive(bytesOf(text));
      return sent.splice(0);
    };
    expect(receive('$qC#b3')).toEqual(['-']);
    expect(receive('$qC#b4')).toEqual(['+', '$QC1#c5']);
    expect(receive('-')).toEqual(['$QC1#c5']);
    expect(receive('$QStartNoAckMode#b0')).toEqual(['+', '$OK#9a']);
    expect(receive('$qC#b3-')).toEqual([]);
    expect(receive('$qC#b4')).toEqual(['$QC1#c5']);
    session.close();
  });
});
