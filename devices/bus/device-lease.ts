// SPDX-License-Identifier: MIT
// What a device gets from its host, until the host revokes it.

import { answeredDma, answeredFlag, answeredWord } from '../plugin/answers.ts';
import type {
  AtsCapability,
  BackgroundLoop,
  DeviceHost,
  DirectMap,
  DirectMapRequest,
  DmaPort,
  DmaResult,
  GuestMemory,
  InterruptLine,
  Timer,
  TraceEvent,
} from '../plugin/index.ts';
import { NO_ATS, NO_RESPONSES } from '../plugin/no-ats.ts';

const REFUSED: DmaResult = { ok: false, done: 0 };

/**
 * The host of one device while it is attached. After `end` nothing that the device got
 * here has an effect: lines keep their level, ports and memory refuse, timers and loops
 * are not called. The clock continues.
 */
export class DeviceLease implements DeviceHost {
  readonly memory: GuestMemory;
  readonly #host: DeviceHost;
  readonly #maps = new Set<DirectMap>();
  readonly #loops = new Set<() => void>();
  readonly #timers: Timer[] = [];
  #live = true;

  constructor(host: DeviceHost) {
    this.#host = host;
    const { memory } = host;
    this.memory = {
      load64: (gpa) => (this.#live ? answeredWord(memory.load64(gpa), 'memory.load64') : undefined),
      store64: (gpa, value) =>
        this.#live && answeredFlag(memory.store64(gpa, value), 'memory.store64'),
      store32: (gpa, value) =>
        this.#live && answeredFlag(memory.store32(gpa, value), 'memory.store32'),
    };
  }

  interruptLine(index: number): InterruptLine {
    const line = this.#host.interruptLine(index);
    return {
      pulse: () => {
        if (this.#live) line.pulse();
      },
      setLevel: (asserted) => {
        if (this.#live) line.setLevel(asserted);
      },
    };
  }

  dmaPort(): DmaPort {
    const port = this.#host.dmaPort();
    const { ats } = port;
    return {
      // For a device below a PCIe port it depends on the bus number.
      get streamId() {
        return port.streamId;
      },
      read: (iova, target, attributes) =>
        this.#live
          ? answeredDma(port.read(iova, target, attributes), target.length, 'dmaPort.read')
          : REFUSED,
      write: (iova, source, attributes) =>
        this.#live
          ? answeredDma(port.write(iova, source, attributes), source.length, 'dmaPort.write')
          : REFUSED,
      ...(port.hint && {
        hint: (iova, length, write, attributes) => {
          if (this.#live) port.hint?.(iova, length, write, attributes);
        },
      }),
      ...(port.abandon && {
        abandon: () => {
          if (this.#live) port.abandon?.();
        },
      }),
      ats: ats && this.#ats(ats),
    };
  }

  #ats(ats: AtsCapability): AtsCapability {
    const settings = () => (this.#live ? ats.settings : NO_ATS);
    return {
      get settings() {
        return settings();
      },
      configure: (wanted) => {
        if (this.#live) ats.configure(wanted);
      },
      ...(ats.takeResponses && {
        takeResponses: () => (this.#live && ats.takeResponses?.()) || NO_RESPONSES,
      }),
    };
  }

  mapDirect(request: DirectMapRequest): DirectMap | undefined {
    const map = this.#live ? this.#host.mapDirect(request) : undefined;
    if (!map) return undefined;
    this.#maps.add(map);
    return {
      memoryOffset: map.memoryOffset,
      unmap: () => {
        if (this.#maps.delete(map)) map.unmap();
      },
    };
  }

  background(loop: BackgroundLoop): () => void {
    if (!this.#live) return () => undefined;
    const remove = this.#host.background(loop);
    this.#loops.add(remove);
    return () => {
      if (this.#loops.delete(remove)) remove();
    };
  }

  nowNs(): number {
    return this.#host.nowNs();
  }

  timer(name: string, callback: () => void): Timer {
    const timer = this.#host.timer(name, callback);
    this.#timers.push(timer);
    const deadline = () => (this.#live ? timer.deadline : undefined);
    return {
      at: (deadlineNs) => {
        if (this.#live) timer.at(deadlineNs);
      },
      cancel: () => {
        if (this.#live) timer.cancel();
      },
      get deadline() {
        return deadline();
      },
    };
  }

  msi(address: number, data: number): boolean {
    return this.#live && this.#host.msi(address, data);
  }

  trace(event: TraceEvent): void {
    if (this.#live) this.#host.trace(event);
  }

  /**
   * Revokes everything: direct maps, loops, timers. The device's vCPUs must be stopped.
   */
  end(): void {
    if (!this.#live) return;
    this.#live = false;
    for (const timer of this.#timers) timer.cancel();
    for (const remove of this.#loops) remove();
    for (const map of this.#maps) map.unmap();
    this.#maps.clear();
    this.#loops.clear();
  }
}
