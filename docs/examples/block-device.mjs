// A bus master: a disk of sectors, which it moves to and from memory by DMA, through whatever IOMMU
// its machine has. It interrupts when it is done. `vsmmu boot … --device block-device.mjs` plugs it in.

import {
  PLUGIN_INTERFACE_VERSION,
  RegisterFile,
  stateFields,
  unnamedRegister,
} from 'vsmmu/devices';

/** @import { Device, DeviceHost, DeviceState, DmaPort, InterruptLine, MmioAccess } from 'vsmmu/devices' */

export const SECTOR_SIZE = 512;

export const CAPACITY = 0x00; // sectors of the disk
export const SECTOR = 0x04; // the first of the request
export const COUNT = 0x08; // how many
export const COMMAND = 0x0c; // writing it starts the request; 0 gives up the one under way
export const BUFFER = 0x10; // 64 bits: iova of the memory
export const STATUS = 0x18;
export const DONE = 0x1c; // bytes moved

export const COMMAND_NONE = 0;
export const COMMAND_READ = 1; // disk to memory
export const COMMAND_WRITE = 2; // memory to disk

export const STATUS_IDLE = 0;
export const STATUS_BUSY = 1;
export const STATUS_OK = 2;
export const STATUS_DMA_FAULT = 3; // the IOMMU, or what is behind it, refuses iova BUFFER + DONE
export const STATUS_BAD_REQUEST = 4; // no such command, or no such sectors

const REGION_SIZE = 0x1000;
/** Bytes of one turn: other devices' work comes in between. */
const TURN = 4096;

/** @type {(access: MmioAccess, register: number) => boolean} */
const covers = ({ offset, size }, register) => register >= offset && register < offset + size;

/** @implements {Device} */
export class BlockDevice {
  interfaceVersion = PLUGIN_INTERFACE_VERSION;
  // "disk", the first letter in the low byte.
  identity = { kind: 0x6b736964, interrupts: 1, busMaster: true };
  regions = [{ name: 'disk', size: REGION_SIZE, accessSizes: /** @type {const} */ ([4, 8]) }];
  #medium;
  #registers;
  /** @type {DmaPort | undefined} */
  #port;
  /** @type {InterruptLine | undefined} */
  #line;

  /**
   * @param {Uint8Array} medium what is on the disk, whole sectors. It belongs to whoever brings it, as a file
   * does: it is no part of the device's state, and outlives a reset.
   */
  constructor(medium, name = 'disk') {
    this.name = name;
    this.#medium = medium;
    this.#registers = new RegisterFile(REGION_SIZE, [
      { name: 'CAPACITY', offset: CAPACITY, reset: Math.floor(medium.length / SECTOR_SIZE) },
      { name: 'SECTOR', offset: SECTOR, writable: 0xffffffff },
      { name: 'COUNT', offset: COUNT, writable: 0xffffffff },
      { name: 'COMMAND', offset: COMMAND, writable: 0xf },
      // Below 2^52: with all bytes of a request it stays an exact number.
      { name: 'BUFFER', offset: BUFFER, size: 8, writable: 0xffffffff, writableHi: 0xfffff },
      { name: 'STATUS', offset: STATUS },
      { name: 'DONE', offset: DONE },
    ]);
  }

  /** @param {DeviceHost} host */
  attach(host) {
    this.#port = host.dmaPort();
    this.#line = host.interruptLine(0);
    host.background({ name: this.name, poll: () => this.#moveSome() });
  }

  reset() {
    this.#giveUp();
    this.#registers.reset();
  }

  /** @param {MmioAccess} access */
  read(access) {
    this.#registers.read(access);
  }

  /**
   * A request under way is all in the registers: the guest can end it, and change nothing of it.
   * @param {MmioAccess} access
   */
  write(access) {
    if (this.#busy && !covers(access, COMMAND)) return;
    this.#giveUp();
    this.#registers.write(access);
    if (covers(access, COMMAND)) this.#start();
  }

  get #busy() {
    return this.#registers.get(STATUS) === STATUS_BUSY;
  }

  /** What the IOMMU holds of a request (a stall) must not come back to a device that is elsewhere. */
  #giveUp() {
    if (!this.#busy) return;
    this.#registers.set(STATUS, STATUS_IDLE);
    this.#port?.abandon?.();
  }

  #start() {
    const registers = this.#registers;
    const command = registers.get(COMMAND);
    const count = registers.get(COUNT);
    const end = registers.get(SECTOR) + count;
    registers.set(DONE, 0);
    if (command === COMMAND_NONE) registers.set(STATUS, STATUS_IDLE);
    else if (command > COMMAND_WRITE || count === 0 || end > registers.get(CAPACITY))
      this.#end(STATUS_BAD_REQUEST);
    else registers.set(STATUS, STATUS_BUSY);
  }

  /** @param {number} status */
  #end(status) {
    this.#registers.set(STATUS, status);
    this.#line?.pulse();
  }

  /** A bounded part of the request. Returns the bytes that it has moved: with 0, nothing calls at once. */
  #moveSome() {
    const port = this.#port;
    if (!port || !this.#busy) return 0;
    const registers = this.#registers;
    const done = registers.get(DONE);
    const left = registers.get(COUNT) * SECTOR_SIZE - done;
    const at = registers.get(SECTOR) * SECTOR_SIZE + done;
    const bytes = this.#medium.subarray(at, at + Math.min(left, TURN));
    const iova = registers.get(BUFFER + 4) * 2 ** 32 + registers.get(BUFFER) + done;
    const result =
      registers.get(COMMAND) === COMMAND_READ ? port.write(iova, bytes) : port.read(iova, bytes);
    registers.set(DONE, done + result.done);
    // A stalled access is made again at a later turn, from where it stands.
    if (!result.ok && !result.stalled) this.#end(STATUS_DMA_FAULT);
    else if (result.done === left) this.#end(STATUS_OK);
    return result.done;
  }

  save() {
    return { registers: this.#registers.save() };
  }

  /** @param {DeviceState} state */
  restore(state) {
    const { registers } = stateFields(state, 'registers');
    const wasBusy = this.#busy;
    // First: it refuses what is not a state of this device, which then has to be as it was.
    this.#registers.restore(registers);
    if (wasBusy) this.#port?.abandon?.();
  }

  /**
   * @param {number} _region there is one
   * @param {number} offset
   */
  registerName(_region, offset) {
    return this.#registers.nameAt(offset) ?? unnamedRegister(this.regions[0], offset);
  }
}

/** What `--device` plugs in: 1 MiB of zeros. */
export const device = () => new BlockDevice(new Uint8Array(0x100000));
