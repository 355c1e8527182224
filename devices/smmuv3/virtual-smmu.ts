// SPDX-License-Identifier: MIT
// The SMMUv3 that a guest sees, with stage 1 only. Its registers trap; its host lends its
// streams and its command context (`ViommuBackend`).

import {
  CFGI_LEAF,
  CFGI_RANGE,
  CMD_OP,
  CMD_SID,
  CMD_SSEC,
  CMD_SSID,
  CMD_SSV,
  OP_CFGI_CD,
  OP_CFGI_CD_ALL,
  OP_CFGI_STE,
  OP_CFGI_STE_RANGE,
  OP_PREFETCH_ADDR,
  OP_PREFETCH_CFG,
  OP_PRI_RESP,
  PRI_RESP_INDEX,
  PRI_RESP_RESPONSE,
  PRI_RESP_SUCCESS,
} from '../../assembly/layout/commands.ts';
import { ABI_KIND_SMMUV3 } from '../../assembly/layout/guest-abi.ts';
import {
  CR0_CMDQEN,
  CR0_SMMUEN,
  ECMDQ_PROD,
  IDR0_BTM,
  IDR1_SSIDSIZE,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_IDR1,
} from '../../assembly/layout/smmu-registers.ts';
import { hexOfWords } from '../decode/index.ts';
import {
  bitsOf,
  type Device,
  type DeviceHost,
  type DeviceIdentity,
  type DeviceRegion,
  type DeviceState,
  fieldOf,
  type GuestMemory,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  stateFields,
  unnamedRegister,
  withBits,
} from '../plugin/index.ts';
import {
  callback,
  checkOptions,
  havingSome,
  nonEmpty,
  type OptionKinds,
} from '../plugin/option-kinds.ts';
import { pageRequest } from '../tables/index.ts';
import { checkGuestIdRegisters, guestIdRegisters } from './guest-id-registers.ts';
import { idRegistersKind } from './id-register-values.ts';
import { checkIdRegisters, enhancedQueueCount, type SmmuIdRegisters } from './id-registers.ts';
import { type CommandEngine, CommandQueue } from './queues/command-queue.ts';
import { EnhancedQueues } from './queues/enhanced-queues.ts';
import { mainQueue } from './queues/main-queue.ts';
import { MappedPointers } from './queues/mapped-pointers.ts';
import { EVENT_RECORDS, PAGE_REQUEST_RECORDS, RecordQueue } from './queues/record-queue.ts';
import { RefusalWatch, type SmmuRefusal } from './refusal-watch.ts';
import { smmuRegion } from './region.ts';
import { SmmuRegisters } from './register-rules.ts';
import { interruptCount } from './smmu-interrupts.ts';
import { checkSavedStreams, GuestStreams } from './stream-table/guest-streams.ts';
import { StreamUpdates } from './stream-table/stream-updates.ts';
import {
  type CommandOutcome,
  type GuestCommandQueue,
  type PageRequest,
  VIOMMU_CALLS,
  VIOMMU_OPTIONAL_CALLS,
  type ViommuBackend,
} from './viommu-backend.ts';

/** What a `VirtualSmmu` is built from. */
export interface VirtualSmmuOptions {
  /** The host's side of the SMMU. */
  readonly backend: ViommuBackend;
  /** ID registers of the guest. Default `auto`: `guestIdRegisters` of the host's. */
  readonly idRegisters?: 'auto' | SmmuIdRegisters;
  /** Unique in its machine. Default `smmuv3`. */
  readonly name?: string;
  /**
   * Called with the reason why a stream or command was refused, each reason once until a
   * reset, at most 256. Default: no reasons are determined.
   */
  readonly onRefusal?: ((refusal: SmmuRefusal) => void) | undefined;
}

const OPTIONS: OptionKinds<VirtualSmmuOptions> = {
  backend: havingSome(VIOMMU_CALLS, VIOMMU_OPTIONAL_CALLS),
  idRegisters: (value, owner, name) => {
    if (value !== 'auto') idRegistersKind(value, owner, name);
  },
  name: nonEmpty,
  onRefusal: callback,
};

/** Common functions of the CMDQ and the ECMDQs. */
type TrappedQueue = Omit<GuestCommandQueue, 'publish' | 'direct'>;

/** Memory of a device that is not attached yet. */
const NO_MEMORY: GuestMemory = {
  load64: () => undefined,
  store64: () => false,
  store32: () => false,
};

/** A guest's SMMUv3. Its streams belong to its host's SMMU (`ViommuBackend`). */
export class VirtualSmmu implements Device {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity: DeviceIdentity;
  readonly regions: readonly DeviceRegion[];
  readonly #backend: ViommuBackend;
  #memory = NO_MEMORY;
  readonly #commands: CommandQueue;
  readonly #events: RecordQueue;
  readonly #pageRequests: RecordQueue;
  /** Of the CMDQ. */
  readonly #overlay: MappedPointers;
  readonly #overlays: MappedPointers[] = [];
  readonly #updates: StreamUpdates;
  #trace: DeviceHost['trace'] = () => undefined;
  readonly #refusals: RefusalWatch | undefined;
  // The whole saved state of the device, with the other registers below.
  private readonly registers: SmmuRegisters;
  private readonly streams: GuestStreams;
  private readonly enhanced: EnhancedQueues;

  /**
   * @throws {RangeError} when the ID registers advertise what model or host lacks.
   * @throws {TypeError} when an option is unknown or missing.
   */
  constructor(options: VirtualSmmuOptions) {
    checkOptions(options, OPTIONS, 'VirtualSmmu', ['backend']);
    const { backend, idRegisters = 'auto', name = 'smmuv3' } = options;
    this.name = name;
    const { btm = false, hostIdRegisters } = backend;
    const given = idRegisters === 'auto' ? guestIdRegisters(hostIdRegisters) : idRegisters;
    const ids = btm ? { ...given, idr0: withBits(given.idr0, IDR0_BTM, 1) } : given;
    checkIdRegisters(ids, 'guest');
    checkGuestIdRegisters(ids, hostIdRegisters);
    if (bitsOf(ids.idr0, IDR0_BTM) && !btm)
      throw new RangeError(
        'IDR0.BTM is 1, but no broadcast maintenance of the guest reaches its streams',
      );
    const enhanced = enhancedQueueCount(ids);
    const { enhancedQueues = [] } = backend;
    if (enhanced > enhancedQueues.length)
      throw new RangeError(`IDR6 has ${enhanced} queues, the host ${enhancedQueues.length}`);
    backend.showIdRegisters(ids);
    this.regions = [smmuRegion(enhanced)];
    this.#backend = backend;
    this.identity = {
      kind: ABI_KIND_SMMUV3,
      interrupts: interruptCount(ids.idr0),
      busMaster: false,
    };
    const memory: GuestMemory = {
      load64: (gpa) => this.#memory.load64(gpa),
      store64: (gpa, value) => this.#memory.store64(gpa, value),
      store32: (gpa, value) => this.#memory.store32(gpa, value),
    };
    this.registers = new SmmuRegisters(ids, {
      refresh: () => {
        this.#commands.refresh();
        this.enhanced.refresh();
      },
      enablesChanged: (before) => this.#enablesChanged(before),
      commandsProduced: () => this.#commands.produce(),
      commandErrorAcknowledged: () => this.#commands.acknowledge(),
      producerWritten: () => undefined,
      configured: () => undefined,
      bypassChanged: () => this.#updates.gbpaWritten(),
    });
    this.streams = new GuestStreams(this.registers, memory, backend);
    this.#updates = new StreamUpdates(this.registers, this.streams, backend);
    const { onRefusal } = options;
    this.#refusals =
      onRefusal &&
      new RefusalWatch({
        shown: ids,
        physical: hostIdRegisters,
        smmuEnabled: () => this.registers.enabled(CR0_SMMUEN),
        streamTable: () => this.registers.streamTable(),
        steOf: (sid) => this.streams.steOf(sid),
        onRefusal,
      });
    backend.watchStreams?.(this.streams);
    if (this.#refusals)
      backend.watchRefusedCommands?.((command) => this.#refusals?.seeCommand(command));
    this.#events = new RecordQueue(this.registers, memory, EVENT_RECORDS);
    this.#pageRequests = new RecordQueue(this.registers, memory, PAGE_REQUEST_RECORDS);
    this.#overlay = new MappedPointers(backend.overlay, SMMU_CMDQ_PROD);
    this.#overlays.push(this.#overlay);
    const engine = (queue: TrappedQueue): CommandEngine => ({
      block: queue.block,
      placeRing: ({ base, log2size }) => {
        if (!queue.setRing(base, log2size)) queue.block.setRing(0, 0, log2size);
      },
      serve: () => queue.serve(),
      resume: () => queue.resume(),
      memory,
      execute: (words, from) => this.#execute(words, from),
      finish: () => queue.finish(),
    });
    const trapped: TrappedQueue = {
      block: backend.commandQueue,
      setRing: (baseGpa, log2size) => backend.setCommandRing(baseGpa, log2size),
      serve: () => backend.serveCommandQueue(),
      finish: () => backend.finishCommand(),
      resume: () => backend.resumeCommandQueue(),
    };
    this.#commands = new CommandQueue(mainQueue(this.registers), {
      ...engine(trapped),
      overlay: this.#overlay,
    });
    const engines = enhancedQueues.slice(0, enhanced).map((queue, i): CommandEngine => {
      const overlay = new MappedPointers(
        queue.direct,
        EnhancedQueues.offsetOf(i, enhanced) + ECMDQ_PROD,
      );
      this.#overlays.push(overlay);
      return { ...engine(queue), overlay, publish: () => queue.publish() };
    });
    this.enhanced = new EnhancedQueues(this.registers, engines);
  }

  attach(host: DeviceHost): void {
    this.#memory = host.memory;
    this.#trace = (event) => host.trace(event);
    this.registers.attach(host);
    for (const overlay of this.#overlays) overlay.attach(host);
    this.#backend.onEvent((record) => this.#deliver(record));
    this.#backend.onPageRequest?.((request) => this.#request(request));
    this.#backend.onCommand?.((words, from) => this.#emulate(words, from));
    host.background({ name: this.name, poll: () => this.#poll() });
  }

  #poll(): number {
    return (
      this.#updates.poll() +
      (this.#commands.pending && this.#commands.run() ? 1 : 0) +
      this.enhanced.poll()
    );
  }

  reset(): void {
    this.registers.reset();
    this.#commands.load();
    this.enhanced.reset();
    this.#updates.reset();
    this.#refusals?.reset();
    this.#backend.invalidateAll();
  }

  read(access: MmioAccess): void {
    if (this.enhanced.covers(access.offset)) this.enhanced.read(access);
    else this.registers.read(access);
  }

  write(access: MmioAccess): void {
    if (this.enhanced.covers(access.offset)) this.enhanced.write(access);
    else this.registers.write(access);
  }

  #enablesChanged(before: number): void {
    const changed = before ^ this.registers.get(SMMU_CR0);
    this.#updates.cr0Written(bitsOf(changed, CR0_SMMUEN) !== 0);
    if (bitsOf(changed, CR0_CMDQEN)) {
      if (this.registers.enabled(CR0_CMDQEN)) {
        this.#commands.load();
        this.#commands.run();
      } else {
        this.#commands.stop();
      }
    }
  }

  #execute(words: readonly number[], from: number): CommandOutcome {
    const sid = fieldOf(words, CMD_SID);
    switch (fieldOf(words, CMD_OP)) {
      case OP_PREFETCH_CFG:
      case OP_PREFETCH_ADDR:
        return 'done';
      case OP_PRI_RESP:
        this.#answer(sid, words);
        return 'done';
      case OP_CFGI_STE:
        return this.#reload(sid, sid, fieldOf(words, CFGI_LEAF) !== 0);
      case OP_CFGI_STE_RANGE: {
        // RANGE = 31 covers all of 2^32 streams.
        const span = 2 ** (fieldOf(words, CFGI_RANGE) + 1);
        const first = sid - (sid % span);
        return this.#reload(Math.max(first, from), first + span - 1, false);
      }
      case OP_CFGI_CD:
        this.#invalidateCd(sid, fieldOf(words, CMD_SSID), fieldOf(words, CFGI_LEAF) !== 0);
        return 'done';
      case OP_CFGI_CD_ALL:
        this.#invalidateCd(sid, undefined, false);
        return 'done';
      default:
        return this.#overlay.mapped && this.#backend.overlay?.emulate(words) === true
          ? 'done'
          : 'refused';
    }
  }

  // A command of another queue. The drain has refused it by its opcode only, so anything
  // else that it would have refused on the CMDQ is refused here.
  #emulate(words: readonly number[], from: number): CommandOutcome {
    const reserved =
      fieldOf(words, CMD_OP) === OP_PRI_RESP &&
      fieldOf(words, PRI_RESP_RESPONSE) > PRI_RESP_SUCCESS;
    return reserved || fieldOf(words, CMD_SSEC) ? 'refused' : this.#execute(words, from);
  }

  // One stream at a time: each takes a call of the host's kernel.
  #reload(first: number, last: number, leaf: boolean): CommandOutcome {
    if (!this.registers.enabled(CR0_SMMUEN)) return 'done';
    if (!leaf) this.streams.forgetLevel1(first, last);
    const next = this.streams.reloadFirst(first, last);
    return next === undefined ? 'done' : { next };
  }

  // A StreamID without a device has nothing cached.
  #invalidateCd(sid: number, ssid: number | undefined, leaf: boolean): void {
    if (this.#backend.virtualStreams.includes(sid))
      this.#backend.invalidateContextDescriptors(sid, ssid, leaf);
  }

  #deliver(record: Uint32Array): void {
    const reported = this.streams.reported(record);
    if (!reported) return;
    this.#trace({ name: 'event', record: hexOfWords(reported).join(' ') });
    this.#events.add(reported);
    this.#refusals?.see(reported, this.#memory);
  }

  // Page requests that the guest will not see are answered here (IHI 0070 8.1, 8.2).
  #request(request: PageRequest): void {
    const { virtSid: streamId, group, pasid, last = true } = request;
    const { address, write, privileged, instruction } = request;
    const entry = { streamId, group, address, write, last, pasid, privileged, instruction };
    const record = pageRequest(entry);
    this.#trace({ name: 'page request', record: hexOfWords(record).join(' ') });
    const added = this.registers.enabled(CR0_SMMUEN) ? this.#pageRequests.add(record) : 'refused';
    // Only the last request of a group gets a response.
    if (added !== 'written' && last)
      this.#backend.answerPageRequest?.(streamId, group, added === 'overflow', pasid);
  }

  #answer(sid: number, words: readonly number[]): void {
    if (!this.registers.enabled(CR0_SMMUEN)) return;
    const resolved = fieldOf(words, PRI_RESP_RESPONSE) === PRI_RESP_SUCCESS;
    const hasPasid =
      fieldOf(words, CMD_SSV) !== 0 && bitsOf(this.registers.get(SMMU_IDR1), IDR1_SSIDSIZE) !== 0;
    const pasid = hasPasid ? fieldOf(words, CMD_SSID) : undefined;
    this.#backend.answerPageRequest?.(sid, fieldOf(words, PRI_RESP_INDEX), resolved, pasid);
  }

  save(): DeviceState {
    this.#commands.refresh();
    return {
      registers: this.registers.save(),
      streams: this.streams.save(),
      enhanced: this.enhanced.save(),
    };
  }

  restore(state: DeviceState): void {
    const { registers, streams, enhanced } = stateFields(state, 'registers', 'streams', 'enhanced');
    const saved = checkSavedStreams(streams);
    this.enhanced.check(enhanced);
    this.registers.restore(registers);
    this.enhanced.restore(enhanced);
    this.#commands.load();
    this.enhanced.load();
    this.#updates.restore();
    this.streams.restore(saved);
    this.#backend.invalidateAll();
  }

  registerName(region: number, offset: number): string {
    return (
      this.registers.nameAt(offset) ??
      this.enhanced.nameAt(offset) ??
      unnamedRegister(this.regions[region], offset)
    );
  }
}
