// SPDX-License-Identifier: MIT
// Mistakes of a program are reported in one line, before anything is created.

import { Terminal } from '@xterm/xterm';
import { afterAll, describe, expect, it } from 'vitest';
import {
  attachTerminal,
  Host,
  type Machine,
  type MachineOptions,
  type OptionsError,
  virtBoard,
} from 'vsmmu';
import { defineDevice, PhysicalSmmu } from 'vsmmu/devices';
import { deviceContract } from 'vsmmu/testing';
import { plugSmmu } from 'vsmmu/v86';
import { IMPORT_READ32, IMPORT_WRITE32, reactor } from '../support/wat.ts';

const IDLE = reactor('(func $run (param i32) (result i32) (i32.const 0))');
const OFF = reactor('(func $run (param i32) (result i32) (i32.const 2))');
/** The board's UART. */
const UART = 0x09000000;
/** Prints two lines, then what it receives, and ends after the first carriage return. */
const ECHO = reactor(
  `(func $print (param $c i32) (call $write32 (i32.const ${UART}) (local.get $c)))
   (func $init ${[...'first\nsecond\n'].map((c) => `(call $print (i32.const ${c.charCodeAt(0)}))`).join(' ')})
   (func $run (param i32) (result i32) (local $c i32)
     (if (i32.and (call $read32 (i32.const ${UART + 0x18})) (i32.const 16))
       (then (return (i32.const 0))))
     (local.set $c (call $read32 (i32.const ${UART})))
     (call $print (local.get $c))
     (if (i32.eq (local.get $c) (i32.const 13)) (then (return (i32.const 2))))
     (i32.const 1))`,
  IMPORT_READ32 + IMPORT_WRITE32,
);
const host = await Host.create();
afterAll(() => host.destroy());

const lineOf = async (call: () => unknown): Promise<string> => {
  try {
    await call();
    return 'accepted';
  } catch (error) {
    const { code, message } = error as OptionsError;
    return code ? `${code}: ${message}` : message;
  }
};
const machineWith = (options: object) => () =>
  host.createMachine({ guest: IDLE, ...options } as MachineOptions);
const described = (fields: object) => () =>
  defineDevice({ name: 'dev', kind: 'devi', registers: { A: { offset: 0 } }, ...fields } as never);
const device = described({});
const kernelWith = (options: object) => () => virtBoard(options);
const hostWith = (options: object) => () => Host.create(options);

describe('misuse', () => {
  it.each<[string, () => unknown, string]>([
    [
      'no options',
      () => Reflect.apply(host.createMachine, host, []),
      'bad-option: guest must be a path, a URL or the bytes of a WebAssembly module: it is missing',
    ],
    [
      'a guest that is a number',
      machineWith({ guest: 7 }),
      'bad-option: guest must be a path, a URL or the bytes of a WebAssembly module',
    ],
    [
      'a secondary that is none',
      machineWith({ secondary: [] }),
      'bad-option: secondary must be a path, a URL or the bytes of a WebAssembly module',
    ],
    [
      'an unknown option',
      machineWith({ onOutptu: 1 }),
      'unknown-option: there is no option "onOutptu": did you mean "onOutput"?',
    ],
    [
      'a listener that is none',
      machineWith({ onOutput: 'x' }),
      'bad-option: onOutput must be a function, not "x"',
    ],
    [
      'an unknown fault',
      machineWith({ faults: { lateCon: 1 } }),
      'unknown-option: faults: there is no option "lateCon": did you mean "lateCons"?',
    ],
    [
      'a count of faults that is none',
      machineWith({ faults: { lateCons: 'x' } }),
      'bad-option: faults.lateCons must be an integer from 0 to 4294967295, not "x"',
    ],
    [
      'a fault that is counted and cannot be',
      machineWith({ faults: { tornProd: 1 } }),
      'bad-option: faults.tornProd must be true or false, not 1',
    ],
    [
      'less than no fault',
      machineWith({ faults: { fetchAborts: -1 } }),
      'bad-option: faults.fetchAborts must be an integer from 0 to 4294967295, not -1',
    ],
    [
      'a delay of the drain that is text',
      hostWith({ faults: { drainDelay: '1' } }),
      'bad-option: faults.drainDelay must be an integer from 0 to 2147483647, not "1"',
    ],
    [
      'a life of the drain without end',
      hostWith({ faults: { drainLifetime: Number.POSITIVE_INFINITY } }),
      'bad-option: faults.drainLifetime must be an integer from 0 to 2147483647, not Infinity',
    ],
    [
      'a device that stands alone',
      machineWith({ devices: {} }),
      'bad-option: devices must be a list of devices',
    ],
    [
      'a board that is none',
      machineWith({ board: { create: 1 } }),
      'bad-option: board.create must be a function, not 1',
    ],
    ['a clock without a time', hostWith({ clock: {} }), 'bad-option: clock.nowNs is missing'],
    ['a clock that is none', hostWith({ clock: 1 }), 'bad-option: clock must be an object, not 1'],
    [
      'a controller that takes no MSIs',
      machineWith({ msis: { doorbells: [] } }),
      'bad-option: msis.send is missing',
    ],
    [
      'a place with another field',
      machineWith({ devices: [{ device: device(), addresses: [0x10000000], irq: 3 }] }),
      'placement: device dev: there is no field "irq"; there are device, addresses, firstIrq, dmaPort, requesterId, smmu, bridged',
    ],
    [
      'a place without addresses',
      machineWith({ devices: [{ device: device() }] }),
      'placement: device dev: addresses must be a list with a gpa for each of its 1 regions',
    ],
    [
      'a place at an odd address',
      machineWith({ devices: [{ device: device(), addresses: [5] }] }),
      'placement: device dev: 5 is not a gpa for a region: a multiple of 4 KiB',
    ],
    [
      'a device on a line that there is not',
      machineWith({
        devices: [
          { device: described({ interrupts: 1 })(), addresses: [0x10000000], firstIrq: 500 },
        ],
      }),
      'placement: there is no interrupt line 500; lines are 0 to 127',
    ],
    [
      'options of a host in a list',
      hostWith([]),
      'bad-option: the options of a host must be an object, not []',
    ],
    [
      'two devices in one place',
      machineWith({
        devices: ['one', 'two'].map((name) => ({
          device: described({ name })(),
          addresses: [0x10000000],
        })),
      }),
      'placement: one (0x10000000 to 0x10000fff) overlaps two (0x10000000 to 0x10000fff)',
    ],
    [
      'a device in RAM',
      machineWith({ devices: [{ device: device(), addresses: [0x8018_0000] }] }),
      'placement: dev (0x80180000 to 0x80180fff) overlaps RAM (0x80100000 to 0x801fffff)',
    ],
    [
      'an unknown option of a host',
      hostWith({ vintf: 2 }),
      'unknown-option: there is no option "vintf": did you mean "vintfs"?',
    ],
    [
      'an unknown module',
      hostWith({ wasmUrl: { smmucore: 'x' } }),
      'unknown-option: wasmUrl: there is no option "smmucore": did you mean "smmuCore"?',
    ],
    [
      'a policy that is none',
      hostWith({ onQueueError: {} }),
      'bad-option: onQueueError must be a function, not {}',
    ],
    [
      'a host of null',
      () => Reflect.apply(Host.create, Host, [null]),
      'bad-option: the options of a host must be an object, not null',
    ],
    [
      'devices for v86 without a host',
      () =>
        plugSmmu({ v86: {} }, {
          host: {},
          page0: 0,
          irqs: { smmu: 9, cmdqv: 11, dma: 5 },
        } as never),
      'host must be a Host, which Host.create makes',
    ],
    [
      'a terminal that is none',
      () => Reflect.apply(attachTerminal, undefined, [{}, {}]),
      'bad-option: terminal must have the functions write and onData, as a Terminal of xterm.js has',
    ],
    [
      'a machine that is none',
      () =>
        Reflect.apply(attachTerminal, undefined, [
          { write: () => undefined, onData: () => undefined },
          {},
        ]),
      'bad-option: machine must be a Machine of createMachine',
    ],
    [
      'an unknown option of the board virt',
      kernelWith({ initd: 'x' }),
      'unknown-option: virtBoard: there is no option "initd": did you mean "initrd"?',
    ],
    [
      'an initrd by its name',
      kernelWith({ initrd: 'initrd.gz' }),
      'bad-option: virtBoard: initrd must be a Uint8Array, the bytes of a file, not "initrd.gz"',
    ],
    [
      'a command line that is none',
      kernelWith({ append: 5 }),
      'bad-option: virtBoard: append must be text, not number',
    ],
    [
      'a time that is text',
      kernelWith({ epoch: '1' }),
      'bad-option: virtBoard: epoch must be a number, not string',
    ],
    [
      'a time before 1970',
      kernelWith({ epoch: -1 }),
      'bad-option: virtBoard: epoch must be an integer from 0 to 4294967295, not -1',
    ],
    [
      'a disk that stands alone',
      kernelWith({ disks: {} }),
      'bad-option: virtBoard: disks must be a list, not object',
    ],
    [
      'a sleep that there is not',
      kernelWith({ sleep: 'long' }),
      'bad-option: virtBoard: sleep must be one of skip, wait, not "long"',
    ],
    ['a device without registers', described({ registers: 1 }), 'dev: registers must be an object'],
    [
      'interrupts that are text',
      described({ interrupts: '1' }),
      'dev: interrupts must be a number, not string',
    ],
    [
      'a bus master that is text',
      described({ busMaster: 'no' }),
      'dev: busMaster must be true or false',
    ],
    [
      'an access size that there is not',
      described({ accessSizes: [3] }),
      'dev: accessSizes must be a list of 1, 2, 4 and 8, of one of them at least',
    ],
    [
      'a register at an odd offset',
      described({ registers: { A: { offset: 2 } } }),
      'the offset of register A is not a multiple of 4',
    ],
    [
      'a device model without what it stands on',
      () => new PhysicalSmmu({ smmuIndex: 0 } as never),
      'PhysicalSmmu: unit is missing',
    ],
    [
      'a contract of nothing',
      () => Reflect.apply(deviceContract, undefined, []),
      'deviceContract: the factory must be a function, not undefined',
    ],
    [
      'a contract with one seed',
      () => deviceContract(device, { seeds: 1 } as never),
      'deviceContract: seeds must be a list, not 1',
    ],
    [
      'a contract with a register that there is not',
      () => deviceContract(device, { volatile: ['B'] }).map(({ run }) => run()),
      'there is no register "B": did you mean "A"?',
    ],
  ])('%s', async (_, call, line) => {
    expect(await lineOf(call)).toBe(line);
  });

  it('of a machine: events, listeners, and options of its methods', async () => {
    const machine = await host.createMachine({ guest: IDLE });
    const call = (method: keyof Machine, ...args: unknown[]) =>
      lineOf(() => Reflect.apply(machine[method] as () => unknown, machine, args));
    expect(await call('on', 'chekc', () => undefined)).toBe(
      'unknown-option: there is no event "chekc": did you mean "check"?',
    );
    expect(await call('on', 'zzz', () => undefined)).toBe(
      'unknown-option: there is no event "zzz"; there are status, output, end, check, finding, suspect, refusal, phase',
    );
    expect(await call('on', 'end', 1)).toBe('bad-option: the listener of "end" must be a function');
    expect(await call('events', 'oputput')).toBe(
      'unknown-option: there is no event "oputput": did you mean "output"?',
    );
    expect(await call('boot', { pause: true })).toBe(
      'unknown-option: there is no option "pause": did you mean "paused"?',
    );
    expect(await call('wait', { singal: 1 })).toBe(
      'unknown-option: there is no option "singal": did you mean "signal"?',
    );
    expect(await call('wait', { signal: 1 })).toBe('bad-option: signal must be an AbortSignal');
    expect(await call('boot', { signal: {} })).toBe('bad-option: signal must be an AbortSignal');
    expect(await call('write', 1)).toBe('bad-option: input must be text or bytes');
    await machine.destroy();
  });
});

describe('events one after the other', () => {
  it('arrive from their request until the end', async () => {
    const machine = await host.createMachine({ guest: OFF });
    const all = machine.events();
    const some = machine.events('status');
    await machine.boot();
    const seen: [string, string][] = [];
    for await (const { name, value } of all) seen.push([name, typeof value]);
    expect(seen).toEqual([
      ['status', 'string'],
      ['status', 'string'],
      ['end', 'object'],
    ]);
    // The end of the machine ends it, whatever else was requested.
    expect([await some.next(), await some.next(), await some.next(), await some.next()]).toEqual([
      { value: { name: 'status', value: 'running' } },
      { value: { name: 'status', value: 'off' } },
      { value: { name: 'end', value: { status: 'off', exitCode: 0, reason: '' } } },
      { done: true, value: undefined },
    ]);
    await machine.destroy();
  });

  it('have the types of the requested events, and of the end', async () => {
    const machine = await host.createMachine({ guest: OFF });
    const events = machine.events('check');
    await machine.boot();
    const reasons: string[] = [];
    for await (const event of events)
      reasons.push(event.name === 'check' ? event.value.detail : event.value.reason);
    expect(reasons).toEqual(['']);
    await machine.destroy();
  });

  it('have no listeners any more when the loop ends', async () => {
    const machine = await host.createMachine({ guest: IDLE });
    const events = machine.events();
    const next = events.next();
    await events.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    await machine.boot({ paused: true });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    await machine.destroy();
  });
});

describe('a terminal', () => {
  it("of xterm.js shows the guest's output, and passes typed input to it", async () => {
    const terminal = new Terminal({ cols: 40, rows: 6 });
    const machine = await host.createMachine({ guest: ECHO });
    const detach = attachTerminal(terminal, machine);
    await machine.boot();
    terminal.input('typed\r');
    await machine.wait();
    // After the work in progress.
    await new Promise<void>((resolve) => terminal.write('', resolve));
    const line = (row: number) => terminal.buffer.active.getLine(row)?.translateToString(true);
    expect([0, 1, 2].map(line)).toEqual(['first', 'second', 'typed']);
    detach();
    terminal.input('nobody hears it');
    await machine.destroy();
    terminal.dispose();
  });

  it('shows output with carriage returns, passes input on, and is disconnected', () => {
    const listeners: ((bytes: Uint8Array) => void)[] = [];
    const written: string[] = [];
    const machine = {
      on: (_: string, listener: (bytes: Uint8Array) => void) => {
        listeners.push(listener);
        return () => listeners.splice(0);
      },
      write: (text: string) => written.push(text),
    } as unknown as Machine;
    let shown = '';
    const typed = new Set<(data: string) => void>();
    const detach = attachTerminal(
      {
        write: (bytes) => {
          shown += new TextDecoder().decode(bytes);
        },
        onData: (listener) => {
          typed.add(listener);
          return { dispose: () => typed.delete(listener) };
        },
      },
      machine,
    );
    for (const text of ['a\nb\r', '\nc']) listeners[0]?.(new TextEncoder().encode(text));
    for (const listener of typed) listener('x');
    expect([shown, written]).toEqual(['a\r\nb\r\nc', ['x']]);
    detach();
    expect([listeners.length, typed.size]).toEqual([0, 0]);
  });
});
