// A bus master: a disk that transfers sectors to and from memory by DMA, through the IOMMU of its
// machine, if it has one. It raises an interrupt when it is done.
// `vsmmu boot … --device block-device.mjs` plugs it in.

import {
  PLUGIN_INTERFACE_VERSION,
  RegisterFile,
  stateFields,
  unnamedRegister,
} from 'vsmmu/devices';

/** @import { Device, DeviceHost, DeviceState, DmaPort, InterruptLine, MmioAccess } from 'vsmmu/devices' */

export const SECTOR_SIZE = 512;

export const CAPACITY = 0x00; // size of the disk in sectors
export const SECTOR = 0x04; // the first sector of the request
export const COUNT = 0x08; // the number of sectors
export const COMMAND = 0x0c; // a write starts a request; 0 abandons the current one
export const BUFFER = 0x10; // 64 bits: iova of the memory
export const STATUS = 0x18;
export const DONE = 0x1c; // bytes transferred

export const COMMAND_NONE = 0;
export const COMMAND_READ = 1; // disk to memory
export const COMMAND_WRITE = 2; // memory to disk

export const STATUS_IDLE = 0;
export const STATUS_BUSY = 1;
export const STATUS_OK = 2;
export const STATUS_DMA_FAULT = 3; // the IOMMU or the memory refuses iova BUFFER + DONE
export const STATUS_BAD_REQUEST = 4; // invalid command or sectors

const REGION_SIZE = 0x1000;
/** Bytes transferred in one call of `poll`: other devices get their turn in between. */
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
   * @param {Uint8Array} medium the contents of the disk, whole sectors. Like a file, they belong to
   * the caller: they are not part of the device's state, and a reset does not change them.
   */
  constructor(medium, name = 'disk') {
    this.name = name;
    this.#medium = medium;
    this.#registers = new RegisterFile(REGION_SIZE, [
      { name: 'CAPACITY', offset: CAPACITY, reset: Math.floor(medium.length / SECTOR_SIZE) },
      { name: 'SECTOR', offset: SECTOR, writable: 0xffffffff },
      { name: 'COUNT', offset: COUNT, writable: 0xffffffff },
      { name: 'COMMAND', offset: COMMAND, writable: 0xf },
      // Below 2^52, so that BUFFER plus the bytes of a request is an exact number.
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
   * The registers hold the whole request: while it runs, the guest can end it, but not change it.
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

  /** A stalled access must not complete after the device has been reset or restored. */
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

  /**
   * Transfers a bounded part of the request.
   * @returns bytes transferred; after 0, `poll` is not called again at once.
   */
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
    // A later call repeats the rest of a stalled access.
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
    // First, because it throws for a foreign state, and the device must then be unchanged.
    this.#registers.restore(registers);
    if (wasBusy) this.#port?.abandon?.();
  }

  /**
   * @param {number} _region the only region
   * @param {number} offset
   */
  registerName(_region, offset) {
    return this.#registers.nameAt(offset) ?? unnamedRegister(this.regions[0], offset);
  }
}

/** The device that `--device` plugs in: 1 MiB of zeros. */
export const device = () => new BlockDevice(new Uint8Array(0x100000));
