// SPDX-License-Identifier: MIT
// The simplest possible GIC: one object for each interrupt, no candidates, nothing
// shared. The tests compare the real one with it; it was written from IHI 0069, not from
// the real one.

interface Interrupt {
  readonly intid: number;
  latch: boolean;
  line: boolean;
  enabled: boolean;
  active: boolean;
  edge: boolean;
  group1: boolean;
  priority: number;
  /** For a private one its vCPU; undefined when it is routed to none. */
  target: number | undefined;
}

interface Interface {
  pmr: number;
  bpr: number;
  enabled: boolean;
  eoiMode: number;
  /** Group priorities of acknowledged interrupts. */
  active: Set<number>;
}

export class ReferenceGic {
  readonly interrupts: Interrupt[] = [];
  readonly interfaces: Interface[] = [];
  group1Enabled = false;

  constructor(vcpus: number, intids: number) {
    for (let vcpu = 0; vcpu < vcpus; vcpu++) {
      this.interfaces.push({ pmr: 0, bpr: 3, enabled: false, eoiMode: 0, active: new Set() });
      for (let intid = 0; intid < 32; intid++) this.#add(intid, vcpu);
    }
    for (let intid = 32; intid < intids; intid++) this.#add(intid, 0);
  }

  #add(intid: number, target: number): void {
    this.interrupts.push({
      intid,
      latch: false,
      line: false,
      enabled: false,
      active: false,
      edge: intid < 16,
      group1: false,
      priority: 0,
      target,
    });
  }

  of(vcpu: number, intid: number): Interrupt {
    const found = this.interrupts.find(
      (one) => one.intid === intid && (intid >= 32 || one.target === vcpu),
    );
    if (!found) throw new Error(`no interrupt ${intid}`);
    return found;
  }

  isPending(one: Interrupt): boolean {
    return one.latch || (!one.edge && one.line);
  }

  setLine(vcpu: number, intid: number, high: boolean): void {
    const one = this.of(vcpu, intid);
    if (one.edge && high && !one.line) one.latch = true;
    one.line = high;
  }

  highest(vcpu: number): Interrupt | undefined {
    if (!this.interfaces[vcpu]?.enabled || !this.group1Enabled) return undefined;
    return this.interrupts
      .filter(
        (one) =>
          one.target === vcpu && one.group1 && one.enabled && !one.active && this.isPending(one),
      )
      .sort((a, b) => a.priority - b.priority || a.intid - b.intid)[0];
  }

  running(vcpu: number): number {
    return Math.min(0xff, ...(this.interfaces[vcpu]?.active ?? []));
  }

  #group(vcpu: number, priority: number): number {
    const size = 2 ** (this.interfaces[vcpu]?.bpr ?? 0);
    return priority - (priority % size);
  }

  signalled(vcpu: number): Interrupt | undefined {
    const one = this.highest(vcpu);
    if (!one || one.priority >= (this.interfaces[vcpu]?.pmr ?? 0)) return undefined;
    const running = this.running(vcpu);
    const preempts = this.#group(vcpu, one.priority) < this.#group(vcpu, running);
    return running === 0xff || preempts ? one : undefined;
  }

  acknowledge(vcpu: number): number {
    const one = this.signalled(vcpu);
    if (!one) return 1023;
    one.latch = false;
    one.active = true;
    this.interfaces[vcpu]?.active.add(this.#group(vcpu, one.priority));
    return one.intid;
  }

  end(vcpu: number, intid: number): void {
    const own = this.interfaces[vcpu];
    own?.active.delete(this.running(vcpu));
    if (own?.eoiMode === 0) this.of(vcpu, intid).active = false;
  }
}
