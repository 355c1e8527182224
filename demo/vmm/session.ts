// SPDX-License-Identifier: MIT
// A session on the VMM's worker: machines on one host, stepped in turn, and their pictures.

import { Host, type Machine } from 'vsmmu';
import { CHECKPOINT_PHASE_TRACE } from '../../assembly/layout/checkpoint-registers.ts';
import { findExperiment } from '../../vmm/boards/index.ts';
import { exitChecks } from '../../vmm/report/exit-checks.ts';
import { IsolationOracle } from '../../vmm/report/isolation-oracle.ts';
import { Measurements } from '../../vmm/report/measurements.ts';
import { isLive, machineNames, OVERLAY_MACHINE, type Settings } from '../demo-settings.ts';
import type {
  CheckPicture,
  PickedGuest,
  Picture,
  RawQueue,
  SessionFacts,
  Sink,
  VmPicture,
} from '../protocol.ts';
import { clockResolution } from './clock-resolution.ts';
import type { Recording } from './events/recording.ts';
import { exitsPicture } from './exits-picture.ts';
import { guestOptions } from './guest-options.ts';
import { OneAtATime, type Wanted } from './one-at-a-time.ts';
import { Outbox } from './outbox.ts';
import { vmPicture } from './picture.ts';
import { rawQueues } from './raw-queues.ts';
import { Suspects } from './seen-suspects.ts';
import { SessionPace } from './session-pace.ts';
import { placement } from './session-placement.ts';
import { StepChanges } from './step-changes.ts';
import { TlbHits } from './tlb-hits.ts';
import { tlbPicture } from './tlb-picture.ts';
import { followed, TraceFigures } from './trace-figures.ts';
import { watchedBoard } from './watched-board.ts';

const VINTFS = 16;
const MIN_LVCMDQS = 2;
/** Minimum time between a picture that the page has drawn and the next. */
const PICTURE_MS = 60;
/** Million instructions of an arm64 kernel in one step, some 10 ms. */
const KERNEL_STEP = 4;
const LAST_CHECKS = 200;
/** A turn that no work has. */
const NO_TURN = -1;

export class Session {
  readonly facts: SessionFacts;
  readonly #settings: Settings;
  /** Guest of all machines; undefined: the toy. */
  readonly #guest: PickedGuest | undefined;
  readonly #host: Host;
  readonly #sink: Sink;
  readonly #machines: Machine[] = [];
  readonly #outboxes: Outbox[] = [];
  readonly #oracle = new IsolationOracle();
  readonly #measurements: Measurements;
  readonly #checks: CheckPicture[] = [];
  readonly #hits = new TlbHits();
  readonly #suspects = new Suspects();
  readonly #traces = new TraceFigures();
  readonly #changes = new StepChanges((name) => {
    const view = () => this.#stepView(name);
    return this.#recording?.quietly(view) ?? view();
  });
  #recording: Recording | undefined;
  #vms: readonly VmPicture[] = [];
  readonly #pace: SessionPace;
  #steps = 0;
  readonly #work = new OneAtATime();
  /** Turn of the work in which the machines run by themselves. */
  #running = NO_TURN;
  #shown = 0;
  #due = false;
  #sending = false;

  /** @throws {Error} one line about why it cannot be done. */
  static async boot(
    settings: Settings,
    guest: PickedGuest | undefined,
    sink: Sink,
  ): Promise<Session> {
    const placed = await placement(settings, guest?.kind === 'arm64');
    const clockNs = clockResolution(() => performance.now());
    const facts = { ...placed, clockNs, traced: settings.trace };
    const { vcpus } = settings;
    // A VCMDQ for each vCPU: the number of both is a power of two.
    const vcmdqs = VINTFS * Math.max(MIN_LVCMDQS, 2 ** Math.ceil(Math.log2(vcpus)));
    const host = await Host.create({
      vintfs: VINTFS,
      vcmdqs,
      iotlbCheck: settings.check,
      trace: settings.trace,
      onQueueError: () => settings.queueError,
      ...findExperiment(settings.experiment)?.host,
    });
    const session = new Session(settings, guest, host, sink, facts);
    if (facts.recorded) {
      // Loaded on demand.
      const { Recording } = await import('./events/recording.ts');
      session.#recording = new Recording(
        (acting) => session.#compose(acting),
        (name) => session.#exits(session.#named(name)),
      );
    }
    try {
      for (const name of machineNames(settings)) await session.#add(name);
      for (const machine of session.#machines) {
        await machine.boot({ paused: true });
        if (machine.error) throw machine.error;
      }
    } catch (error) {
      await host.destroy();
      throw error;
    }
    session.#show();
    return session;
  }

  private constructor(
    settings: Settings,
    guest: PickedGuest | undefined,
    host: Host,
    sink: Sink,
    facts: SessionFacts,
  ) {
    this.#settings = settings;
    this.#guest = guest;
    this.#host = host;
    this.#sink = sink;
    this.facts = facts;
    this.#pace = new SessionPace(settings.speed);
    this.#measurements = new Measurements(
      settings.vms,
      settings.path === 'overlay' ? { trapped: 'overlay' } : {},
    );
  }

  async #add(name: string): Promise<void> {
    const { path, vcpus } = this.#settings;
    const { clockNs } = this.facts;
    const k = this.#machines.length;
    const beside = name === OVERLAY_MACHINE;
    const board = watchedBoard(this.#hits, this.#recording?.watcher(name));
    const machine = await this.#host.createMachine({
      name,
      vcpus,
      transport: this.facts.transport,
      drain: this.facts.drain as 'doorbell',
      overlay: beside || path === 'overlay',
      ...(await guestOptions(this.#settings, this.#guest, { name, number: k, clockNs, board })),
    });
    const outbox = new Outbox();
    this.#outboxes.push(outbox);
    machine.on('output', (bytes) => {
      outbox.add(bytes);
      // The loop sends a picture when it is due; without the loop nothing else would.
      if (!this.#going) this.#show();
    });
    machine.on('check', (check) => {
      this.#checks.push({ vm: name, ...check });
      if (this.#checks.length > LAST_CHECKS) this.#checks.shift();
      this.#recording?.checked(name, check);
    });
    machine.on('suspect', ({ text }) => {
      this.#suspects.suspect(text);
      this.#recording?.suspect(text);
    });
    machine.on('finding', ({ text }) => {
      this.#suspects.finding(text);
      this.#recording?.found(text);
    });
    machine.on('phase', ({ phase, ended, data }) => {
      this.#recording?.phase(name, phase, ended);
      if (beside) this.#measurements.comparedPhase({ trapped: 'overlay' }, phase, ended, data);
      else this.#measurements.phase(k, phase, ended, data);
      if (!beside) this.#oracle.phase(this.#machines, k, phase, ended);
      if (phase === CHECKPOINT_PHASE_TRACE && ended) this.#traces.add(followed(machine, data));
    });
    this.#machines.push(machine);
  }

  /** True while the machines run by themselves. */
  get #going(): boolean {
    return this.#running === this.#work.turn;
  }

  get #ended(): boolean {
    return this.#machines.every(({ status }) => status !== 'paused' && status !== 'running');
  }

  #picture(): Picture {
    const compose = () => this.#compose();
    return this.#recording?.quietly(compose) ?? compose();
  }

  /** @param acting the only machine that can have changed since the last picture, if any. */
  #compose(acting?: string): Picture {
    const before = this.#vms;
    this.#vms = this.#machines.map((machine, i) => {
      const old = before[i];
      return old && acting !== undefined && acting !== machine.name ? old : this.#vm(machine);
    });
    return {
      at: performance.now(),
      steps: this.#steps,
      state: this.#ended ? 'ended' : this.#going ? 'running' : 'paused',
      vms: this.#vms,
      ...this.#tlb(),
      traces: this.#traces.pictures,
      checks: [...this.#checks, ...this.#hostChecks()],
      rows: this.#measurements.figures().map(({ vcpus: _, ...row }) => row),
      suspects: this.#suspects.pictures(this.#host.suspects.map(({ text }) => text)),
      changes: this.#changes.pictures,
    };
  }

  #tlb() {
    // A kernel's devices are not watched.
    const hits = this.#guest?.kind === 'arm64' ? undefined : this.#hits;
    return tlbPicture(this.#host, this.#machines, hits);
  }

  #exits(machine: Machine): VmPicture['exits'] {
    return exitsPicture(machine, this.#guest === undefined);
  }

  #named(name: string): Machine {
    const machine = this.#machines.find((one) => one.name === name);
    if (!machine) throw new Error(`there is no machine ${name}`);
    return machine;
  }

  /** A machine before a step of an experiment, or after it. */
  #stepView(name: string) {
    const machine = this.#named(name);
    const { pages } = this.#tlb();
    const checks = this.#checks.filter(({ vm }) => vm === name);
    return { vm: this.#vm(machine), pages, checks };
  }

  #vm(machine: Machine): VmPicture {
    const { written = 0 } = this.#outboxes[this.#machines.indexOf(machine)] ?? {};
    const shown = this.#recording?.shownOf(machine.name);
    return vmPicture(machine, this.#going, written, this.#exits(machine), shown);
  }

  /** Checks by the host itself. */
  #hostChecks(): CheckPicture[] {
    const experiment = findExperiment(this.#settings.experiment);
    const measured = this.#ended && experiment?.measures;
    const exits = measured ? exitChecks(this.#measurements, this.#machines) : [];
    const kept = this.#oracle.checks(false, experiment?.loses);
    return [...kept, ...exits].map((check) => ({ vm: 'host', ...check }));
  }

  /** Sends a picture and the console output, when the page has drawn the last ones. */
  #show(): void {
    this.#due = true;
    if (this.#sending) return;
    this.#sending = true;
    // The page is notified, as of every failure here.
    this.#send().catch(reportError);
  }

  /** The same when the last picture has been there for a while. */
  #showSoon(): void {
    if (!this.#sending && performance.now() - this.#shown >= PICTURE_MS) this.#show();
  }

  /**
   * One after the other, so that the page draws each in a separate task; all at once when
   * the user is absent, as each frame costs CPU time.
   */
  async #send(): Promise<void> {
    while (this.#due) {
      this.#due = false;
      const told = [this.#sink.picture(this.#picture())];
      for (const [vm, outbox] of this.#outboxes.entries()) {
        if (!this.#pace.idle) await told.at(-1);
        if (!outbox.empty) told.push(this.#sink.output(vm, outbox.take()));
      }
      await Promise.all(told);
    }
    this.#shown = performance.now();
    this.#sending = false;
  }

  /** One step of each machine; an attacker alone, so that all changes are caused by it. */
  async #stepAll(): Promise<void> {
    for (const machine of this.#machines) {
      if (machine.status !== 'paused') continue;
      if (this.#oracle.attacker !== undefined && this.#oracle.attacker !== machine) continue;
      this.#oracle.runs(machine);
      await this.#stepOne(machine);
    }
    if (this.#ended) this.#oracle.finish();
    this.#steps++;
  }

  async #stepOne(machine: Machine): Promise<void> {
    const { name } = machine;
    const watched = !isLive(this.#settings);
    if (watched) this.#changes.begin(name);
    this.#recording?.begin(name);
    await machine.step(this.#guest?.kind === 'arm64' ? KERNEL_STEP : 1);
    this.#recording?.end();
    if (watched) this.#changes.end(this.#steps + 1, name);
  }

  /** How long kernels have no work while all of them wait for an interrupt. */
  get #idleMs(): number {
    if (this.#guest?.kind !== 'arm64' || !this.#machines.every(({ idle }) => idle)) return 0;
    return Math.min(PICTURE_MS, ...this.#machines.map(({ untilTimerMs }) => untilTimerMs));
  }

  async #run(wanted: Wanted): Promise<void> {
    while (wanted() && !this.#ended) {
      await this.#stepAll();
      this.#showSoon();
      await this.#pace.between(this.#idleMs);
    }
    if (wanted()) this.#running = NO_TURN;
    this.#show();
  }

  run(): void {
    if (this.#going) return;
    // The page is notified, as of every failure here.
    this.#work.instead((wanted) => this.#run(wanted)).catch(reportError);
    this.#running = this.#work.turn;
  }

  async pause(): Promise<Picture> {
    await this.#work.instead(() => undefined);
    return this.#picture();
  }

  async step(): Promise<Picture> {
    await this.#work.instead(() => this.#stepAll());
    return this.#picture();
  }

  async advance(steps: number): Promise<Picture> {
    await this.#work.instead((wanted) => this.#advance(steps, wanted));
    return this.#picture();
  }

  /** Yields to the worker's messages now and then, which may request something else. */
  async #advance(steps: number, wanted: Wanted): Promise<void> {
    let heard = performance.now();
    for (let i = 0; i < steps && wanted() && !this.#ended; i++) {
      await this.#stepAll();
      if (performance.now() - heard < PICTURE_MS) continue;
      this.#showSoon();
      await this.#pace.pause(0);
      heard = performance.now();
    }
  }

  setSpeed(speed: Settings['speed']): void {
    this.#pace.speed = speed;
  }

  setIdle(idle: boolean): void {
    this.#pace.idle = idle;
  }

  input(vm: number, text: string): void {
    this.#machines[vm]?.write(text);
  }

  /** From memory, not from the register models: the picture has to agree with it. */
  rawQueues(): RawQueue[] {
    return this.#machines.flatMap((machine) =>
      machine.inspect().flatMap((smmu) => rawQueues(machine, smmu)),
    );
  }

  /** @throws {Error} when none is kept. */
  async trace(): Promise<Uint8Array<ArrayBuffer>> {
    const { packTrace } = await import('./pack-trace.ts');
    return await packTrace(this.#host);
  }

  /** Undefined when no events are recorded. */
  get recording(): Recording | undefined {
    return this.#recording;
  }
}
