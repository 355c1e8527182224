// SPDX-License-Identifier: MIT

import { beforeEach, describe, expect, it } from 'vitest';
import {
  attachDevices,
  BackgroundLoops,
  type DeviceServices,
  type DeviceV1,
  type Placement,
} from '../../../devices/bus/index.ts';
import {
  type AtsCapability,
  type Device,
  type DeviceHost,
  type DmaAttributes,
  type DmaPort,
  PLUGIN_INTERFACE_VERSION,
  type TraceEvent,
} from '../../../devices/plugin/index.ts';
import { ScratchDevice } from '../../support/scratch-device.ts';

/** A board that records everything that reaches it. */
class Board implements DeviceServices {
  readonly log: string[] = [];
  now = 0;
  readonly background = new BackgroundLoops();
  readonly clock = { nowNs: () => this.now };
  readonly words = new Map<number, number | bigint>();
  readonly memory = {
    load64: (gpa: number) => (gpa < 0x1000 ? 7n : undefined),
    store64: (gpa: number, value: bigint) => this.#store(gpa, value),
    store32: (gpa: number, value: number) => this.#store(gpa, value),
  };
  readonly interrupts = {
    line: (index: number) => ({
      pulse: () => this.log.push(`pulse ${index}`),
      setLevel: (asserted: boolean) => this.log.push(`level ${index} ${asserted}`),
    }),
  };
  readonly directMaps = {
    map: ({ gpa }: { gpa: number }) => ({
      memoryOffset: gpa,
      unmap: () => this.log.push(`unmap 0x${gpa.toString(16)}`),
    }),
  };

  #store(gpa: number, value: number | bigint): boolean {
    this.log.push(`store 0x${gpa.toString(16)} ${value}`);
    return gpa < 0x1000;
  }

  port(streamId = 8): DmaPort {
    const access =
      (kind: string) =>
      (iova: number, bytes: Uint8Array, ...rest: unknown[]) => {
        const [attributes] = rest as [DmaAttributes?];
        this.log.push(`${kind} 0x${iova.toString(16)} ${JSON.stringify(attributes) ?? 'plain'}`);
        return { ok: true, done: bytes.length };
      };
    const ats: AtsCapability = {
      settings: { enabled: true, pageRequests: false, silent: false },
      configure: () => this.log.push('ats'),
    };
    return {
      streamId,
      read: access('read'),
      write: access('write'),
      abandon: () => this.log.push('abandon'),
      ats,
    };
  }
}

/** A device that uses every service of its host. */
class Greedy extends ScratchDevice {
  override readonly identity = { kind: 0x74736574, interrupts: 2, busMaster: true };
  readonly used: (() => unknown)[] = [];
  readonly calls: string[] = [];
  override attach(host: DeviceHost): void {
    super.attach(host);
    const line = host.interruptLine(1);
    const port = host.dmaPort();
    const map = host.mapDirect({ region: 0, offset: 0x100, length: 0x100, doorbell: undefined });
    host.background({ name: 'loop', poll: () => this.calls.push('loop') });
    const timer = host.timer('timer', () => this.calls.push('timer'));
    timer.at(100);
    this.used.push(
      () => line.pulse(),
      () => line.setLevel(true),
      () => port.read(0x1000, new Uint8Array(4)).ok,
      () => port.write(0x1000, new Uint8Array(4), { pasid: 3 }).ok,
      () => port.abandon?.(),
      () => port.ats?.settings.enabled,
      () => port.ats?.configure({ enabled: true, pageRequests: false, silent: false }),
      () => host.memory.load64(0x10),
      () => host.memory.store64(0x10, 1n),
      () => host.memory.store32(0x10, 1),
      () => host.msi(0x20, 5),
      () => {
        timer.at(50);
        return timer.deadline;
      },
      () => map?.unmap(),
      () => host.mapDirect({ region: 0, offset: 0, length: 8, doorbell: undefined }) !== undefined,
      () => host.background({ name: 'late', poll: () => this.calls.push('late') })(),
    );
  }
}

const at = (device: Device, more: Partial<Placement> = {}): Placement => ({
  device,
  addresses: [0x9000],
  firstIrq: 4,
  ...more,
});

let board: Board;
beforeEach(() => {
  board = new Board();
});

describe('devices of a machine', () => {
  it('are attached in order, then reset in order', () => {
    const order: string[] = [];
    const devices = ['a', 'b'].map((name) => {
      const device = new ScratchDevice({ name });
      device.attach = () => order.push(`attach ${name}`);
      device.reset = () => order.push(`reset ${name}`);
      return at(device);
    });
    const attached = attachDevices(devices, board);
    expect(order).toEqual(['attach a', 'attach b', 'reset a', 'reset b']);
    attached.reset();
    expect(order.slice(4)).toEqual(['reset a', 'reset b']);
  });

  it('are cancelled their timers by a reset, except for those that it sets', () => {
    const device = new ScratchDevice();
    const calls: string[] = [];
    let armed = 0;
    device.attach = (host) => {
      const [kept, lost] = ['kept', 'lost'].map((name) =>
        host.timer(name, () => calls.push(`${name} at ${host.nowNs()}`)),
      );
      device.reset = () => {
        expect([kept?.deadline, lost?.deadline]).toEqual([undefined, undefined]);
        kept?.at(++armed * 10);
      };
      device.write = () => lost?.at(5);
    };
    const attached = attachDevices([at(device)], board);
    device.write({ region: 0, offset: 0, size: 4, lo: 0, hi: 0, vcpu: 0 });
    expect(attached.nextDeadline).toBe(5);
    attached.reset();
    expect(attached.nextDeadline).toBe(20);
    board.now = 30;
    expect(board.background.poll()).toBe(1);
    expect([calls, attached.nextDeadline]).toEqual([['kept at 30'], undefined]);
  });

  it('are refused lines that the board does not have before they request them', () => {
    const asked: number[] = [];
    const interrupts = {
      line: (index: number) => {
        asked.push(index);
        if (index > 5) throw new RangeError(`no line ${index}`);
        return board.interrupts.line(index);
      },
    };
    // It has two interrupts, and requests neither.
    const device = new ScratchDevice();
    const services = { ...board, memory: board.memory, interrupts };
    const attach = (place: Placement) => () => attachDevices([place], services);
    expect(attach(at(device, { firstIrq: 4 }))).not.toThrow();
    const other = new ScratchDevice();
    expect(attach(at(other, { firstIrq: 5 }))).toThrow('no line 6');
    expect(asked).toEqual([4, 5, 5, 6]);
    expect(attach({ device: new ScratchDevice(), addresses: [0x9000] })).not.toThrow();
    expect(asked).toHaveLength(4);
  });

  it('send MSIs with the requester ID of their place', () => {
    const sent: unknown[][] = [];
    const msis = {
      send: (...args: [number | undefined, number, number]) => {
        sent.push(args);
        return args[1] === 0x8020040;
      },
    };
    const places: Partial<Placement>[] = [{ requesterId: 0x18 }, { requesterId: 0x2001 }, {}];
    const devices = places.map((more, i) => at(new ScratchDevice({ name: `d${i}` }), more));
    const traced: [string, TraceEvent][] = [];
    const trace = (device: string, event: TraceEvent) => traced.push([device, event]);
    attachDevices(devices, { ...board, memory: board.memory, msis, trace });
    const taken = devices.map(({ device }, i) =>
      (device as ScratchDevice).host?.msi(0x8020040 + 4 * i, i),
    );
    expect(taken).toEqual([true, false, false]);
    expect(sent).toEqual([
      [0x18, 0x8020040, 0],
      [0x2001, 0x8020044, 1],
      [undefined, 0x8020048, 2],
    ]);
    expect(traced[1]).toEqual(['d1', { name: 'msi', address: 0x8020044, data: 1 }]);
  });

  it('send the MSIs of a bus master as writes by its port, little-endian', () => {
    const written: unknown[][] = [];
    const dmaPort: DmaPort = {
      ...board.port(),
      write(iova, bytes) {
        written.push([iova, ...bytes]);
        return { ok: iova === 0x40, done: 0 };
      },
    };
    const msis = { send: () => expect.fail('past the IOMMU') };
    const device = new ScratchDevice();
    attachDevices([at(device, { dmaPort })], { ...board, memory: board.memory, msis });
    expect([device.host?.msi(0x40, 0x81020304), device.host?.msi(0x44, 5)]).toEqual([true, false]);
    expect(written).toEqual([
      [0x40, 4, 3, 2, 0x81],
      [0x44, 5, 0, 0, 0],
    ]);
  });

  it('repeat an MSI that the IOMMU stalls, in order, until it is translated or abandoned', () => {
    const outcomes: string[] = [];
    let stalled = true;
    const port = (name: string): DmaPort => ({
      ...board.port(),
      write(iova) {
        const held = stalled && name === 'a';
        outcomes.push(`${name} 0x${iova.toString(16)}${held ? ' stalled' : ''}`);
        return { ok: !held, done: held ? 0 : 4, stalled: held };
      },
    });
    const [a, b] = ['a', 'b'].map((name) => new ScratchDevice({ name }));
    if (!a || !b) throw new Error('two devices');
    const attached = attachDevices(
      [at(a, { dmaPort: port('a') }), at(b, { dmaPort: port('b') })],
      board,
    );
    expect([a.host?.msi(0x40, 1), a.host?.msi(0x44, 2), b.host?.msi(0x48, 3)]).toEqual([
      true,
      true,
      true,
    ]);
    // The same edge, which is pending already.
    a.host?.msi(0x40, 1);
    expect(board.background.poll()).toBe(0);
    stalled = false;
    expect([board.background.poll(), board.background.poll()]).toEqual([2, 0]);
    expect(outcomes).toEqual(['a 0x40 stalled', 'b 0x48', 'a 0x40 stalled', 'a 0x40', 'a 0x44']);
    stalled = true;
    a.host?.msi(0x40, 1);
    attached.reset();
    stalled = false;
    expect([board.background.poll(), outcomes.length]).toEqual([0, 6]);
  });

  it('send MSIs to RAM where the board has nothing else for them', () => {
    const device = new ScratchDevice();
    attachDevices([at(device)], board);
    expect([device.host?.msi(0x20, 5), device.host?.msi(0x8020040, 6)]).toEqual([true, false]);
    expect(board.log).toEqual(['store 0x20 5', 'store 0x8020040 6']);
  });

  it.each([0, 3, 1.5, undefined])('of version %s are refused', (interfaceVersion) => {
    const device = Object.assign(new ScratchDevice({ name: 'old' }), { interfaceVersion });
    expect(() => attachDevices([at(device as Device)], board)).toThrow(
      expect.objectContaining({
        code: 'plugin-version',
        message: `device old was written for version ${interfaceVersion} of the plugin interface, this is version 2, which takes version 1 as well`,
      }),
    );
    expect(device.host).toBeUndefined();
  });
});

describe('a device object', () => {
  const taken = {
    name: 'BoardError',
    code: 'placement',
    message: 'device scratch is plugged in already: each place takes a device object of its own',
  };

  it('is refused a second place, in the same machine and in another one, before anything has changed', () => {
    const device = new ScratchDevice();
    const other = new ScratchDevice({ name: 'other' });
    expect(() => attachDevices([at(other), at(device), at(device)], board)).toThrow(
      expect.objectContaining(taken),
    );
    expect([device.host, device.resets, other.host]).toEqual([undefined, 0, undefined]);

    attachDevices([at(device)], board);
    const { host } = device;
    const second = new Board();
    expect(() => attachDevices([at(other), at(device)], second)).toThrow(
      expect.objectContaining(taken),
    );
    expect([device.host, device.resets, other.host]).toEqual([host, 1, undefined]);
    device.host?.interruptLine(0).pulse();
    expect([board.log, second.log]).toEqual([['pulse 4'], []]);
  });

  it('shares its name with no other one of its machine', () => {
    const twins = [new ScratchDevice(), new ScratchDevice()];
    expect(() =>
      attachDevices(
        twins.map((device) => at(device)),
        board,
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'placement',
        message: 'device scratch has the name of another one in its machine',
      }),
    );
    for (const device of twins) expect(device.host).toBeUndefined();
    attachDevices([at(twins[0] as Device)], board);
    attachDevices([at(twins[1] as Device)], new Board());
  });

  it('that is attached uses what it was given', () => {
    const device = new Greedy();
    attachDevices([at(device, { dmaPort: board.port() })], board);
    expect(device.used.map((use) => use())).toEqual([
      undefined,
      undefined,
      true,
      true,
      undefined,
      true,
      undefined,
      7n,
      true,
      true,
      true,
      50,
      undefined,
      true,
      undefined,
    ]);
    expect(board.log).toEqual([
      'pulse 5',
      'level 5 true',
      'read 0x1000 plain',
      'write 0x1000 {"pasid":3}',
      'abandon',
      'ats',
      'store 0x10 1',
      'store 0x10 1',
      'write 0x20 plain',
      'unmap 0x9100',
    ]);
    board.now = 60;
    board.background.poll();
    expect(device.calls).toEqual(['timer', 'loop']);
  });

  it('that was detached can access nothing, and can be attached again', () => {
    const device = new Greedy();
    const place = at(device, { dmaPort: board.port() });
    const attached = attachDevices([place], board);
    device.used[11]?.();
    attached.detach();
    attached.detach();
    // The host has removed the direct map.
    expect(board.log.splice(0)).toEqual(['unmap 0x9100']);
    expect(device.used.map((use) => use())).toEqual([
      undefined,
      undefined,
      false,
      false,
      undefined,
      false,
      undefined,
      undefined,
      false,
      false,
      false,
      undefined,
      undefined,
      false,
      undefined,
    ]);
    board.now = 1000;
    expect(board.background.poll()).toBe(0);
    expect([board.log, device.calls, attached.nextDeadline]).toEqual([[], [], undefined]);

    const old = device.used.splice(0);
    const second = new Board();
    attachDevices([at(device, { dmaPort: second.port() })], second);
    for (const use of old) use();
    expect([board.log, second.log]).toEqual([[], []]);
    device.used[0]?.();
    expect([board.log, second.log]).toEqual([[], ['pulse 5']]);
  });

  it('is not kept when another one throws', () => {
    const good = new ScratchDevice({ name: 'good' });
    const bad = new ScratchDevice({ name: 'bad' });
    for (const what of ['attach', 'reset'] as const) {
      const broken = Object.assign(Object.create(bad), {
        [what]: () => {
          throw new TypeError('no such field');
        },
      }) as Device;
      expect(() => attachDevices([at(good), at(broken)], board)).toThrow(
        expect.objectContaining({
          code: 'plugin-failed',
          message: `device bad: ${what}() threw: no such field`,
        }),
      );
      good.host?.interruptLine(0).pulse();
      expect(board.log).toEqual([]);
    }
    attachDevices([at(good), at(bad)], board);
    good.host?.interruptLine(0).pulse();
    expect(board.log).toEqual(['pulse 4']);
  });
});

describe('a device of version 1', () => {
  /** As defined by version 1; it reads every member of its host. */
  function versionOne(): ScratchDevice & { members: string[]; port?: DmaPort } {
    const device = Object.assign(new ScratchDevice({ name: 'old' }), {
      interfaceVersion: 1,
      members: [] as string[],
    }) as ScratchDevice & { members: string[]; port?: DmaPort };
    const old: DeviceV1 = device;
    old.attach = (host) => {
      device.members = Object.keys(host).sort();
      device.host = host as DeviceHost;
      device.port = host.dmaPort();
    };
    return device;
  }

  it('gets the host of version 1, and works on it', () => {
    expect(PLUGIN_INTERFACE_VERSION).toBe(2);
    const device = versionOne();
    const loops: string[] = [];
    attachDevices([at(device, { dmaPort: board.port() })], board);
    expect(device.members).toEqual([
      'background',
      'dmaPort',
      'interruptLine',
      'mapDirect',
      'memory',
      'nowNs',
      'trace',
    ]);
    expect(device.resets).toBe(1);
    const { host, port } = device;
    host?.interruptLine(0).pulse();
    host?.background({ name: 'loop', poll: () => loops.push('poll') });
    board.background.poll();
    // Accesses of version 1 have two arguments, whatever else a device passes.
    port?.read(0x40, new Uint8Array(4), { pasid: 1 });
    port?.write(0x80, new Uint8Array(4), { pasid: 1 });
    expect(board.log).toEqual(['pulse 4', 'read 0x40 plain', 'write 0x80 plain']);
    expect([host?.memory.load64(0), loops, port?.streamId]).toEqual([7n, ['poll'], 8]);
    // Its 32-bit stores are its MSIs, and those of a bus master go through its port.
    expect(host?.memory.store32(4, 1)).toBe(true);
    expect(board.log.at(-1)).toBe('write 0x4 plain');
  });

  it('is attached once in its life, as version 1 promised', () => {
    const device = versionOne();
    attachDevices([at(device, { dmaPort: board.port() })], board).detach();
    const { host } = device;
    expect(() => attachDevices([at(device, { dmaPort: board.port() })], board)).toThrow(
      expect.objectContaining({
        code: 'placement',
        message: 'device old is of version 1 and has been plugged in before: make a new one',
      }),
    );
    expect(device.host).toBe(host);
  });
});
