// The vCPUs of a machine that have threads of their own: started, paused and ended together.

import { MachineError } from '../../devices/plugin/index.ts';
import type { RemoteVcpu, RemoteVcpuOptions, VcpuTransport } from './vcpu.ts';

/** How long a running machine may take to come to a safe point. */
const PAUSE_LIMIT_MS = 1000;

export class VcpuSet {
  #vcpus: readonly RemoteVcpu[] = [];

  /** Starts all of them, or none. */
  async start(transport: VcpuTransport, plans: readonly RemoteVcpuOptions[]): Promise<void> {
    const started = await Promise.allSettled(plans.map((plan) => transport.start(plan)));
    this.#vcpus = started.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value] : [],
    );
    const failed = started.find((result) => result.status === 'rejected');
    if (!failed) return;
    await this.end();
    throw failed.reason;
  }

  /** Undefined before the start and after the end, and where vCPUs run inline. */
  at(vcpu: number): RemoteVcpu | undefined {
    return this.#vcpus[vcpu];
  }

  /** Has them leave the guest and end; one that does not come to a safe point in time is terminated. */
  interrupt(failed: (cause: unknown) => void): void {
    for (const vcpu of this.#vcpus) vcpu.stop().catch(failed);
  }

  /** Ends their threads. */
  async end(): Promise<void> {
    const vcpus = this.#vcpus;
    this.#vcpus = [];
    await Promise.all(vcpus.map((vcpu) => vcpu.stop()));
  }

  /**
   * Resolves when all stand still. `nudge` is called until they do.
   * @throws {MachineError} when one does not come to a safe point in time; all then go on.
   */
  async pause(nudge: () => void): Promise<void> {
    for (const vcpu of this.#vcpus) vcpu.setPaused(true);
    const limit = performance.now() + PAUSE_LIMIT_MS;
    for (let late = this.#moving(); late >= 0; late = this.#moving()) {
      if (performance.now() > limit) {
        this.resume();
        throw new MachineError(`guest vCPU ${late}`, `no safe point within ${PAUSE_LIMIT_MS} ms`);
      }
      nudge();
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
    }
  }

  /** The first vCPU that still runs, -1 when none does. */
  #moving(): number {
    return this.#vcpus.findIndex((vcpu) => !vcpu.still);
  }

  resume(): void {
    for (const vcpu of this.#vcpus) vcpu.setPaused(false);
  }
}
