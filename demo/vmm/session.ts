// A session: machines on one host, stepped in turn, and pictures of them. All of it runs on the VMM's worker.

import { Host, type Machine, probe } from 'vsmmu';
import { toyGuest, toySecondary } from 'vsmmu/guest';
import { CHECKPOINT_PATH_DIRECT, CHECKPOINT_PHASE_TRACE } from '../../assembly/layout/checkpoint-registers.ts';
import { VCMDQ_CONS, VCMDQ_PROD } from '../../assembly/layout/cmdqv-registers.ts';
import { IsolationOracle } from '../../vmm/report/isolation-oracle.ts';
import { Measurements } from '../../vmm/report/measurements.ts';
import type { CheckPicture, Picture, RawQueue, SessionFacts, Sink, TracePicture } from '../protocol.ts';
import { hasExperiment, type Settings } from '../settings.ts';
import { Outbox } from './outbox.ts';
import { tlbPicture, vmPicture } from './picture.ts';

const VINTFS = 16;
const MIN_LVCMDQS = 2;
/** Cores from which vCPUs get threads of their own: the page's, the VMM's, and theirs. */
const SPARE_CORES = 4;
/** Between a picture that the page has drawn and the next. */
const PICTURE_MS = 60;
/** Pause between two steps of all machines. */
const PACES: Readonly<Record<Settings['speed'], number>> = { slow: 400, paced: 25, full: 0 };
const INDEX_AND_WRAP = 0xfffff;
const LAST_CHECKS = 200;

const delay = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });

/** Where guests run and queues are drained: as asked if this page can, else what it can. */
async function placement({ transport, drain, vcpus }: Settings) {
  const { cores, threads } = await probe();
  if (!threads.available) {
    const note =
      'The page is not cross-origin isolated: the whole machine runs inline in one worker, its VCMDQs are drained in the doorbell call.';
    return { transport: 'inline', drain: 'doorbell', isolated: false, note } as const;
  }
  const spare = cores >= SPARE_CORES + vcpus - 1;
  const chosen = transport === 'auto' ? (spare ? 'mailbox' : 'inline') : transport;
  return { transport: chosen, drain, isolated: true, note: '' } as const;
}

export class Session {
  readonly facts: SessionFacts;
  readonly #settings: Settings;
  readonly #host: Host;
  readonly #sink: Sink;
  readonly #machines: Machine[] = [];
  readonly #outboxes: Outbox[] = [];
  readonly #oracle = new IsolationOracle();
  readonly #measurements: Measurements;
  readonly #checks: CheckPicture[] = [];
  readonly #traces = new Map<string, TracePicture>();
  #pace: number;
  #steps = 0;
  #going = false;
  #looping = false;
  #loop = Promise.resolve();
  #shown = 0;
  #due = false;
  #sending = false;

  /** @throws {Error} one line that says why it cannot be done. */
  static async boot(settings: Settings, guest: Uint8Array<ArrayBuffer> | undefined, sink: Sink): Promise<Session> {
    const { transport, drain, isolated, note } = await placement(settings);
    const { vcpus } = settings;
    // A VCMDQ for each vCPU: the number of both is a power of two.
    const vcmdqs = VINTFS * Math.max(MIN_LVCMDQS, 2 ** Math.ceil(Math.log2(vcpus)));
    const host = await Host.create({ vintfs: VINTFS, vcmdqs });
    const session = new Session(settings, host, sink, { isolated, transport, drain, note });
    try {
      for (let k = 0; k < settings.vms; k++) await session.#add(k, guest);
      for (const machine of session.#machines) await machine.boot({ paused: true });
    } catch (error) {
      await host.destroy();
      throw error;
    }
    session.#show();
    return session;
  }

  private constructor(settings: Settings, host: Host, sink: Sink, facts: SessionFacts) {
    this.#settings = settings;
    this.#host = host;
    this.#sink = sink;
    this.facts = facts;
    this.#pace = PACES[settings.speed];
    this.#measurements = new Measurements(settings.vms);
  }

  async #add(k: number, guest: Uint8Array<ArrayBuffer> | undefined): Promise<void> {
    const { path, vms, vcpus, experiment } = this.#settings;
    const only = hasExperiment(this.#settings) ? [`experiment=${experiment}`] : ['live=1'];
    const rounds = only[0] === 'experiment=compare-paths' ? ['rounds=8', 'warmup=8'] : ['rounds=1', 'warmup=0'];
    const machine = await this.#host.createMachine({
      name: `vm${k}`,
      guest: guest ?? toyGuest,
      secondary: !guest && vcpus > 1 ? toySecondary : undefined,
      vcpus,
      transport: this.facts.transport,
      drain: this.facts.drain as 'doorbell',
      args: guest ? [] : [`path=${path}`, `vms=${vms}`, `machine=${k}`, ...rounds, ...only],
    });
    const outbox = new Outbox();
    this.#outboxes.push(outbox);
    machine.on('output', (bytes) => {
      outbox.add(bytes);
      // The loop sends when a picture is due; without it nothing else would.
      if (!this.#looping) this.#show();
    });
    machine.on('check', (check) => {
      this.#checks.push({ vm: machine.name, ...check });
      if (this.#checks.length > LAST_CHECKS) this.#checks.shift();
    });
    machine.on('phase', ({ phase, ended, data }) => {
      this.#measurements.phase(k, phase, ended, data);
      this.#oracle.phase(
        this.#machines.map(({ board }) => board),
        k,
        phase,
        ended,
      );
      if (phase === CHECKPOINT_PHASE_TRACE && ended) this.#trace(machine, data);
    });
    this.#machines.push(machine);
  }

  #trace(machine: Machine, data: readonly number[]): void {
    const [at, lvcmdq, prodBefore = 0, prodAfter = 0, writeNs = 0, totalNs = 0, batches = 0, exits = 0] = data;
    const path = at === CHECKPOINT_PATH_DIRECT ? 'direct' : 'trapped';
    const queue = path === 'direct' ? `VCMDQ ${lvcmdq}` : 'CMDQ';
    const { vmid } = machine.board.viommu;
    this.#traces.set(path, { vm: machine.name, vmid, path, queue, prodBefore, prodAfter, writeNs, totalNs, batches, exits });
  }

  get #ended(): boolean {
    return this.#machines.every(({ status }) => status !== 'paused' && status !== 'running');
  }

  #picture(): Picture {
    return {
      at: performance.now(),
      steps: this.#steps,
      state: this.#ended ? 'ended' : this.#going ? 'running' : 'paused',
      vms: this.#machines.map((machine) => vmPicture(machine, this.#going)),
      tlb: tlbPicture(this.#host, this.#machines),
      traces: [...this.#traces.values()],
      checks: [...this.#checks, ...this.#isolation()],
      rows: this.#measurements.figures().map(({ path, batch, p50Ns, exitsPerBatch }) => ({ path, batch, p50Ns, exitsPerBatch })),
    };
  }

  #isolation(): CheckPicture[] {
    return this.#oracle.checks(false).map((check) => ({ vm: 'host', ...check }));
  }

  /** Sends a picture and what the consoles have; what holds then, when the page has not drawn the last ones yet. */
  #show(): void {
    this.#due = true;
    if (this.#sending) return;
    this.#sending = true;
    // A page that has gone takes nothing; then nothing more is sent.
    this.#send().catch(() => undefined);
  }

  /** One after the other, so that the page draws the one and the other in tasks of their own. */
  async #send(): Promise<void> {
    while (this.#due) {
      this.#due = false;
      await this.#sink.picture(this.#picture());
      for (const [vm, outbox] of this.#outboxes.entries()) {
        if (!outbox.empty) await this.#sink.output(vm, outbox.take());
      }
    }
    this.#shown = performance.now();
    this.#sending = false;
  }

  /** One step of each machine. One that attacks goes alone, so that what changes meanwhile is its doing. */
  async #stepAll(): Promise<void> {
    for (const machine of this.#machines) {
      if (machine.status !== 'paused') continue;
      if (this.#oracle.attacker !== undefined && this.#oracle.attacker !== machine.board.vm) continue;
      await machine.step();
    }
    this.#steps++;
  }

  async #run(): Promise<void> {
    while (this.#going && !this.#ended) {
      await this.#stepAll();
      if (!this.#sending && performance.now() - this.#shown >= PICTURE_MS) this.#show();
      await delay(this.#pace);
    }
  }

  run(): void {
    this.#going = true;
    if (this.#looping) return;
    this.#looping = true;
    this.#loop = this.#run().finally(() => {
      this.#going = false;
      this.#looping = false;
      this.#show();
    });
  }

  async pause(): Promise<Picture> {
    this.#going = false;
    await this.#loop;
    return this.#picture();
  }

  async step(): Promise<Picture> {
    await this.pause();
    await this.#stepAll();
    return this.#picture();
  }

  setSpeed(speed: Settings['speed']): void {
    this.#pace = PACES[speed];
  }

  input(vm: number, text: string): void {
    this.#machines[vm]?.write(text);
  }

  /** From the words in guest and host memory, not from the register models: what the picture has to agree with. */
  rawQueues(): RawQueue[] {
    return this.#machines.flatMap(({ name, board }) => {
      const { vintf, viommu } = board;
      const own = vintf.queues.map((block, lvcmdq): RawQueue => {
        const prod = vintf.readPage0(lvcmdq, VCMDQ_PROD) & INDEX_AND_WRAP;
        const shown = vintf.readPage0(lvcmdq, VCMDQ_CONS) & INDEX_AND_WRAP;
        // CONS twice: as the guest sees it, and as the drain keeps it.
        return { vm: name, queue: `VCMDQ ${lvcmdq}`, prod, cons: shown === block.cons ? shown : -1 };
      });
      return [...own, { vm: name, queue: 'CMDQ', prod: viommu.commandQueue.prod, cons: viommu.commandQueue.cons }];
    });
  }
}
