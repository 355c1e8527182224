// SPDX-License-Identifier: MIT
// The simplest possible ITS with LPIs: JavaScript maps and no table, no shared word, no
// candidates. The tests compare the real one with it; it was written from IHI 0069, not
// from the real one.

interface Lpi {
  /** The vCPU on which it is pending. */
  pending: number | undefined;
  /** As read the last time. */
  enabled: boolean;
  priority: number;
}

interface MappedEvent {
  readonly intid: number;
  collection: number;
}

interface MappedDevice {
  readonly bits: number;
  readonly events: Map<number, MappedEvent>;
}

export interface ReferenceItsOptions {
  readonly vcpus: number;
  /** INTID bits that each vCPU's configuration table can contain. */
  readonly idBits: number;
  /** Whether there is an entry for a DeviceID. */
  hasDevice(id: number): boolean;
  hasCollection(id: number): boolean;
}

/** The result of a command: undefined, or its error. */
type Outcome = number | undefined;

export class ReferenceIts {
  readonly #options: ReferenceItsOptions;
  readonly #devices = new Map<number, MappedDevice>();
  readonly #collections = new Map<number, number>();
  readonly #lpis = new Map<number, Lpi>();
  /** Bytes of the configuration table, by INTID. */
  readonly configurations = new Map<number, number>();
  readonly takesLpis: boolean[];

  constructor(options: ReferenceItsOptions) {
    this.#options = options;
    this.takesLpis = Array.from({ length: options.vcpus }, () => false);
  }

  #lpi(intid: number): Lpi {
    const found = this.#lpis.get(intid) ?? { pending: undefined, enabled: false, priority: 0 };
    this.#lpis.set(intid, found);
    return found;
  }

  #read(intid: number): void {
    const byte = this.configurations.get(intid) ?? 0;
    const lpi = this.#lpi(intid);
    lpi.enabled = byte % 2 === 1;
    lpi.priority = byte - (byte % 8);
  }

  #readAll(): void {
    for (const intid of new Set([...this.configurations.keys(), ...this.#lpis.keys()]))
      if (intid < 2 ** this.#options.idBits) this.#read(intid);
  }

  setTakesLpis(vcpu: number, takes: boolean): void {
    if (this.takesLpis[vcpu] === takes) return;
    this.takesLpis[vcpu] = takes;
    if (takes) this.#readAll();
    else for (const lpi of this.#lpis.values()) if (lpi.pending === vcpu) lpi.pending = undefined;
  }

  #event(device: number, event: number): MappedEvent | undefined {
    return this.#devices.get(device)?.events.get(event);
  }

  /** The target of an event's LPI. */
  #target({ intid, collection }: MappedEvent): number | undefined {
    const vcpu = this.#collections.get(collection);
    if (vcpu === undefined || !this.takesLpis[vcpu]) return undefined;
    return intid < 2 ** this.#options.idBits ? vcpu : undefined;
  }

  message(device: number, event: number): void {
    const mapped = this.#event(device, event);
    const target = mapped && this.#target(mapped);
    if (mapped && target !== undefined) this.#lpi(mapped.intid).pending = target;
  }

  mapd(id: number, bits: number, valid: boolean): Outcome {
    if (!this.#options.hasDevice(id)) return 0x010801;
    if (valid && bits > 16) return 0x010802;
    for (const { intid } of this.#devices.get(id)?.events.values() ?? [])
      this.#lpi(intid).pending = undefined;
    if (valid) this.#devices.set(id, { bits, events: new Map() });
    else this.#devices.delete(id);
    return undefined;
  }

  mapc(id: number, vcpu: number, valid: boolean): Outcome {
    if (!this.#options.hasCollection(id)) return 0x010903;
    if (!valid) this.#collections.delete(id);
    else if (vcpu >= this.#options.vcpus) return 0x010902;
    else this.#collections.set(id, vcpu);
    return undefined;
  }

  mapti(id: number, event: number, intid: number, collection: number): Outcome {
    const device = this.#devices.get(id);
    if (!device) return 0x010a04;
    if (event >= 2 ** device.bits) return 0x010a05;
    if (intid < 8192 || intid > 65535) return 0x010a06;
    const mapped = { intid, collection };
    device.events.set(event, mapped);
    if (this.#target(mapped) !== undefined) this.#read(intid);
    return undefined;
  }

  /** A vCPU without LPIs has none that is pending. */
  #move(lpi: Lpi, to: number): void {
    lpi.pending = this.takesLpis[to] ? to : undefined;
  }

  movi(device: number, event: number, collection: number): Outcome {
    const mapped = this.#event(device, event);
    if (!mapped) return 0x010107;
    const to = this.#collections.get(collection);
    if (to === undefined) return 0x010109;
    const from = this.#target(mapped);
    mapped.collection = collection;
    const lpi = this.#lpi(mapped.intid);
    if (from !== undefined && lpi.pending === from) this.#move(lpi, to);
    return undefined;
  }

  int(device: number, event: number): Outcome {
    if (!this.#event(device, event)) return 0x010307;
    this.message(device, event);
    return undefined;
  }

  clear(device: number, event: number): Outcome {
    const mapped = this.#event(device, event);
    if (!mapped) return 0x010507;
    this.#lpi(mapped.intid).pending = undefined;
    return undefined;
  }

  discard(device: number, event: number): Outcome {
    const mapped = this.#event(device, event);
    if (!mapped) return 0x010f07;
    this.#devices.get(device)?.events.delete(event);
    this.#lpi(mapped.intid).pending = undefined;
    return undefined;
  }

  inv(device: number, event: number): Outcome {
    const mapped = this.#event(device, event);
    if (!mapped) return 0x010c07;
    if (this.#target(mapped) !== undefined) this.#read(mapped.intid);
    return undefined;
  }

  invall(collection: number): Outcome {
    if (!this.#collections.has(collection)) return 0x010d09;
    this.#readAll();
    return undefined;
  }

  movall(from: number, to: number): Outcome {
    if (from >= this.#options.vcpus || to >= this.#options.vcpus) return 0x010e01;
    for (const lpi of this.#lpis.values()) if (lpi.pending === from) this.#move(lpi, to);
    return undefined;
  }

  /**
   * The LPI that is signalled to a vCPU: of the highest priority, then of the lowest
   * INTID.
   */
  highest(vcpu: number): number {
    const pending = [...this.#lpis].filter(([, lpi]) => lpi.pending === vcpu && lpi.enabled);
    pending.sort(([a, one], [b, other]) => one.priority - other.priority || a - b);
    return pending[0]?.[0] ?? 1023;
  }

  /** The same, if its priority is above the mask; it is no longer pending. */
  acknowledge(vcpu: number, mask: number): number {
    const intid = this.highest(vcpu);
    if (intid === 1023 || this.#lpi(intid).priority >= mask) return 1023;
    this.#lpi(intid).pending = undefined;
    return intid;
  }
}
