// SPDX-License-Identifier: MIT
// A worker of the page that is an object at the other end of a message channel. Its
// messages arrive although it has been terminated, like messages in flight.

import { expose } from 'comlink';

export class StandInWorker {
  readonly #port: MessagePort;

  /**
   * @param vmm exposed by the worker.
   * @param ports receives both ends of its channel, for the caller to close.
   */
  constructor(vmm: object, ports: MessagePort[]) {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    this.#port = port1;
    expose(vmm, port2);
    port1.start();
  }

  addEventListener(name: string, listener: EventListener): void {
    this.#port.addEventListener(name, listener);
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.#port.postMessage(message, transfer);
  }

  terminate(): void {
    // Messages in flight still arrive.
  }
}
