// SPDX-License-Identifier: MIT
// Adapts message ports of Node.js to the interface that comlink expects (comlink's own
// adapter has no types).

import type { Endpoint } from 'comlink';

/** The parts of a worker, or of a worker's port to its parent, that the adapter uses. */
export interface NodePort {
  postMessage(message: unknown, transfer?: readonly never[]): void;
  on(event: 'message', listener: (data: unknown) => void): unknown;
  off(event: 'message', listener: (data: unknown) => void): unknown;
}

type Listener = EventListenerOrEventListenerObject;

export function nodeEndpoint(port: NodePort): Endpoint {
  const wrappers = new WeakMap<Listener, (data: unknown) => void>();
  return {
    postMessage: (message: unknown, transfer?: Transferable[]) =>
      port.postMessage(message, transfer as readonly never[] | undefined),
    addEventListener(_type: string, listener: Listener) {
      const wrapper = (data: unknown) => {
        const event = { data } as MessageEvent;
        if (typeof listener === 'function') listener(event);
        else listener.handleEvent(event);
      };
      wrappers.set(listener, wrapper);
      port.on('message', wrapper);
    },
    removeEventListener(_type: string, listener: Listener) {
      const wrapper = wrappers.get(listener);
      if (wrapper) port.off('message', wrapper);
    },
  };
}

/** A worker's first message: its program was loaded. */
export const READY_MESSAGE = 'vsmmu: this thread is ready';
/**
 * The last message of a worker in a browser, where nothing else tells that a worker has
 * closed itself.
 */
export const ENDED_MESSAGE = 'vsmmu: this thread has ended';
