// SPDX-License-Identifier: MIT
// The contract suite must find faults: devices with one fault each.

import { describe, expect, it } from 'vitest';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  restoreTimer,
  savedTimer,
  saveTimer,
  stateFields,
  type Timer,
  unnamedRegister,
} from '../../../devices/plugin/index.ts';
import {
  type ContractOptions,
  type DeviceFactory,
  deviceContract,
} from '../../../devices/testing/index.ts';

const NAMES = ['VALUE', 'COUNT', 'MASK', 'LIMIT'];

/**
 * Four registers: VALUE, COUNT of writes to it, MASK, LIMIT; its line is high while VALUE
 * has a bit of MASK.
 */
class Counter implements Device {
  readonly name: string = 'counter';
  readonly interfaceVersion: number = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: 0x30746e63, interrupts: 1, busMaster: false };
  readonly regions = [{ name: 'counter', size: 0x1000, accessSizes: [4] as const }];
  protected line: InterruptLine | undefined;
  protected state = { value: 0, count: 0, mask: 0, words: [7] };

  attach(host: DeviceHost): void {
    this.line = host.interruptLine(0);
  }
  reset(): void {
    this.state = { value: 0, count: 0, mask: 0, words: [7] };
    this.updateLine();
  }
  protected updateLine(): void {
    this.line?.setLevel((this.state.value & this.state.mask) !== 0);
  }
  read(access: MmioAccess): void {
    const { value, count, mask, words } = this.state;
    access.lo = [value, count, mask, words[0]][access.offset / 4] ?? 0;
    access.hi = 0;
  }
  write(access: MmioAccess): void {
    if (access.offset === 0) {
      this.state.value = access.lo;
      this.state.count = (this.state.count + 1) % 2 ** 32;
    }
    if (access.offset === 8) this.state.mask = access.lo;
    if (access.offset === 12) this.state.words[0] = access.lo;
    this.updateLine();
  }
  save(): DeviceState {
    return structuredClone(this.state);
  }
  restore(state: DeviceState): void {
    this.state = plainStateLike({ value: 0, count: 0, mask: 0, words: [0] }, state);
    this.updateLine();
  }
  registerName(region: number, offset: number): string {
    return NAMES[offset / 4] ?? unnamedRegister(this.regions[region], offset);
  }
}

/** Each write to VALUE sets a timer, which increments COUNT and pulses the line. */
class Alarm extends Counter {
  protected timer: Timer | undefined;
  protected host: DeviceHost | undefined;

  override attach(host: DeviceHost): void {
    super.attach(host);
    this.host = host;
    this.timer = host.timer('alarm', () => {
      this.state.count = (this.state.count + 1) % 2 ** 32;
      this.line?.pulse();
    });
  }
  override write(access: MmioAccess): void {
    super.write(access);
    if (access.offset === 0) this.timer?.at((this.host?.nowNs() ?? 0) + (access.lo % 65536));
  }
  override save(): DeviceState {
    return { state: structuredClone(this.state), timer: saveTimer(this.timer) };
  }
  override restore(state: DeviceState): void {
    const fields = stateFields(state, 'state', 'timer');
    const timer = savedTimer(fields.timer);
    super.restore(fields.state as DeviceState);
    restoreTimer(this.timer, timer);
  }
}

/** Names of the cases that the device fails. */
function failures(factory: DeviceFactory, options?: ContractOptions): string[] {
  return deviceContract(factory, { operations: 300, ...options })
    .filter(({ run }) => {
      try {
        run();
        return false;
      } catch {
        return true;
      }
    })
    .map(({ name }) => name);
}

const caught = (factory: DeviceFactory) => failures(factory).join('\n');

describe('the contract suite', () => {
  it('passes a device without a fault', () => {
    expect(failures(() => new Counter())).toEqual([]);
    expect(failures(() => new Alarm())).toEqual([]);
  });

  it('catches a timer that restore does not set', () => {
    class Late extends Alarm {
      override restore(state: DeviceState): void {
        super.restore(state);
        this.timer?.cancel();
      }
    }
    expect(caught(() => new Late())).toContain('a restored device is the saved one');
  });

  it('catches it by the timer itself when nothing else shows it', () => {
    class Quiet extends Counter {
      #timer: Timer | undefined;
      override attach(host: DeviceHost): void {
        super.attach(host);
        this.#timer = host.timer('alarm', () => undefined);
      }
      // The saved state does not contain it.
      override write(access: MmioAccess): void {
        super.write(access);
        if (access.offset === 0) this.#timer?.at(access.lo);
      }
    }
    const cases = deviceContract(() => new Quiet(), { operations: 300, seeds: [1] });
    expect(() => {
      for (const { run } of cases) run();
    }).toThrow(
      /saved device against restored one: timers differ: device: alarm at \d+ against nothing/,
    );
  });

  it('catches a timer that restore sets to another time', () => {
    class Relative extends Alarm {
      override restore(state: DeviceState): void {
        super.restore(state);
        if (this.timer?.deadline !== undefined) this.timer.at(this.timer.deadline + 1);
      }
    }
    expect(caught(() => new Relative())).toContain('a restored device is the saved one');
  });

  it('catches a timer that restore leaves set', () => {
    class Lasting extends Alarm {
      override restore(state: DeviceState): void {
        const { deadline } = this.timer ?? {};
        super.restore(state);
        if (deadline !== undefined) this.timer?.at(deadline);
      }
    }
    expect(caught(() => new Lasting())).toContain(
      'a used device can be restored to the state of a new one',
    );
  });

  it('catches a timer that a refused state has cancelled', () => {
    class Hasty extends Alarm {
      override restore(state: DeviceState): void {
        this.timer?.cancel();
        super.restore(state);
      }
    }
    expect(caught(() => new Hasty())).toContain('a foreign state is refused');
  });

  it('catches a timer that reset sets by what was there before', () => {
    class Again extends Alarm {
      override reset(): void {
        if (this.state.value !== 0) this.timer?.at(this.state.value);
        super.reset();
      }
    }
    expect(caught(() => new Again())).toContain('reset gives the state of a new device');
  });

  it('catches a device that keeps using its old host after it was attached again', () => {
    class Loyal extends Counter {
      override attach(host: DeviceHost): void {
        this.line ??= host.interruptLine(0);
      }
    }
    expect(failures(() => new Loyal())).toEqual([
      expect.stringContaining('detached and attached again'),
      expect.stringContaining('detached and attached again'),
      expect.stringContaining('detached and attached again'),
    ]);
  });

  it('catches a device that returns another register for a narrow read', () => {
    class Narrow extends Counter {
      override readonly regions = [
        { name: 'counter', size: 0x1000, accessSizes: [1, 2, 4] as never },
      ];
      override read(access: MmioAccess): void {
        super.read(access);
        if (access.size === 1) access.lo = (access.lo >>> 24) & 0xff;
        if (access.size === 2) access.lo &= 0xffff;
      }
    }
    expect(failures(() => new Narrow())).toEqual([
      'answers narrow reads with the low bytes of what wide ones get',
    ]);
  });

  it('catches a register that save forgets', () => {
    class Forgetful extends Counter {
      private extra = 0;
      override reset(): void {
        super.reset();
        this.extra = 0;
      }
      override write(access: MmioAccess): void {
        super.write(access);
        if (access.offset === 8) this.extra = access.lo;
      }
      override read(access: MmioAccess): void {
        super.read(access);
        if (access.offset === 8) access.lo = this.extra;
      }
    }
    expect(caught(() => new Forgetful())).toContain('a restored device is the saved one');
  });

  it('catches a forgotten field that no register shows, by the field itself', () => {
    class Quiet extends Counter {
      private writes = 0;
      override reset(): void {
        super.reset();
        this.writes = 0;
      }
      override write(access: MmioAccess): void {
        super.write(access);
        this.writes++;
      }
      shown(): number {
        return this.writes;
      }
    }
    expect(caught(() => new Quiet())).toContain('a restored device is the saved one');
  });

  it('catches a forgotten private field by what the device does later', () => {
    class Hidden extends Counter {
      #writes = 0;
      override reset(): void {
        super.reset();
        this.#writes = 0;
      }
      override write(access: MmioAccess): void {
        super.write(access);
        this.#writes++;
        if (this.#writes % 7 === 0) this.line?.pulse();
      }
    }
    expect(caught(() => new Hidden())).toContain('a restored device is the saved one');
  });

  it('catches one effect in place of another, of as many', () => {
    class Alternating extends Counter {
      override readonly identity = { kind: 0x30746e63, interrupts: 3, busMaster: false };
      #others: readonly InterruptLine[] = [];
      #writes = 0;
      override attach(host: DeviceHost): void {
        super.attach(host);
        this.#others = [host.interruptLine(1), host.interruptLine(2)];
      }
      override reset(): void {
        super.reset();
        this.#writes = 0;
      }
      override write(access: MmioAccess): void {
        super.write(access);
        this.#others[this.#writes++ % 2]?.pulse();
      }
    }
    const name = 'a restored device is the saved one';
    // With one of these seeds, the saved device has made an odd number of writes.
    const found = failures(() => new Alternating(), { seeds: [1, 2, 3, 4, 5, 6, 7, 8] });
    expect(found.join('\n')).toContain(name);
  });

  it('catches a field that reset forgets', () => {
    class Sticky extends Counter {
      override reset(): void {
        const { mask } = this.state;
        super.reset();
        this.state.mask = mask;
      }
    }
    expect(caught(() => new Sticky())).toContain('reset gives the state of a new device');
  });

  it('catches an interrupt level that restore forgets', () => {
    class Silent extends Counter {
      override restore(state: DeviceState): void {
        this.state = plainStateLike({ value: 0, count: 0, mask: 0, words: [0] }, state);
      }
    }
    expect(caught(() => new Silent())).toContain('a restored device is the saved one');
  });

  it('catches a save that is the live state', () => {
    class Live extends Counter {
      override save(): DeviceState {
        return this.state;
      }
    }
    expect(caught(() => new Live())).toContain('saving changes nothing and is a copy');
  });

  it('catches a restore that restores half of a foreign state', () => {
    class Hasty extends Counter {
      override restore(state: DeviceState): void {
        const { value } = (state ?? {}) as { value?: unknown };
        if (typeof value === 'number') this.state.value = value;
        super.restore(state);
      }
    }
    expect(caught(() => new Hasty())).toContain(
      'a foreign state is refused and leaves the device as it was',
    );
  });

  it('catches a restore that accepts anything', () => {
    class Trusting extends Counter {
      override restore(state: DeviceState): void {
        Object.assign(this.state, structuredClone(state));
        this.updateLine();
      }
    }
    expect(caught(() => new Trusting())).toContain('a foreign state is refused');
  });

  it('catches a device that throws on an odd access', () => {
    class Strict extends Counter {
      override read(access: MmioAccess): void {
        if (access.offset % 4 !== 0) throw new RangeError('unaligned');
        super.read(access);
      }
    }
    expect(failures(() => new Strict())).toEqual([
      'answers accesses of every size, unaligned and out of range, without throwing and with values that fit',
    ]);
  });

  it('catches a value that does not fit', () => {
    class Signed extends Counter {
      override read(access: MmioAccess): void {
        super.read(access);
        access.lo |= 0;
      }
    }
    expect(caught(() => new Signed())).toContain('values that fit');
  });

  it('catches a device of another interface version', () => {
    class Future extends Counter {
      override readonly interfaceVersion = PLUGIN_INTERFACE_VERSION + 1;
    }
    expect(failures(() => new Future())).toEqual(['describes itself']);
  });
});
