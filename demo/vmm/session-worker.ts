// SPDX-License-Identifier: MIT
// The VMM's worker: one session for each worker. The page ends the worker, and with it
// everything of the session.

import { expose, transfer } from 'comlink';
import type { Vmm } from '../protocol.ts';
import { Session } from './session.ts';
import { fetchToy } from './toy-files.ts';

let session: Session | undefined;

function booted(): Session {
  if (!session) throw new Error('nothing has been booted');
  return session;
}

const vmm: Vmm = {
  ready: () => undefined,
  load: (settings, guest) => fetchToy(settings, guest),
  async boot(settings, guest, sink) {
    session = await Session.boot(settings, guest, sink);
    return session.facts;
  },
  run: () => booted().run(),
  pause: () => booted().pause(),
  step: () => booted().step(),
  advance: (steps) => booted().advance(steps),
  setSpeed: (speed) => booted().setSpeed(speed),
  setIdle: (idle) => booted().setIdle(idle),
  input: (vm, text) => booted().input(vm, text),
  rawQueues: () => booted().rawQueues(),
  async trace() {
    const packed = await booted().trace();
    return transfer(packed, [packed.buffer]);
  },
  recorded: () => booted().recording?.recorded ?? { first: 0, last: -1, stopped: '' },
  frame: (number) => booted().recording?.frame(number),
  seek: (from, by, without) => booted().recording?.seek(from, by, without),
};

expose(vmm);
