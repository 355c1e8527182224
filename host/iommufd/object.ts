// SPDX-License-Identifier: MIT
// Objects of one iommufd: IDs, user counts, and the order in which they can be destroyed
// (drivers/iommu/iommufd/main.c).

import type { ResourceGate } from './gate.ts';
import { IommufdError, require } from './iommufd-error.ts';

/** Kinds of objects. */
export type ObjectType =
  | 'IOAS'
  | 'DEVICE'
  | 'HWPT_PAGING'
  | 'HWPT_NESTED'
  | 'FAULT'
  | 'VIOMMU'
  | 'VDEVICE'
  | 'VEVENTQ'
  | 'HW_QUEUE';

/** Highest ID: they have 31 bits. */
const MAX_ID = 2 ** 31 - 1;

export abstract class IommufdObject {
  abstract readonly type: ObjectType;
  /** 0 until the table stores the object. */
  id = 0;
  /**
   * Number of users: one for the table itself, and one for each object, open file or
   * mapping that needs it.
   */
  users = 1;
  /** The objects that this one uses; each counts it as a user. */
  readonly #keeps: IommufdObject[] = [];

  /** Becomes a user of another object until this object is destroyed. */
  keep(other: IommufdObject): void {
    other.users++;
    this.#keeps.push(other);
  }

  /** Drops the reference to another object early. */
  letGo(other: IommufdObject): void {
    const at = this.#keeps.indexOf(other);
    if (at < 0) return;
    this.#keeps.splice(at, 1);
    other.users--;
  }

  get keeps(): readonly IommufdObject[] {
    return this.#keeps;
  }

  /** Releases resources outside the object model. The object has no users. */
  protected abstract release(): void;

  /** Drops the references to all objects that this one uses. */
  letGoOfAll(): void {
    for (const other of this.#keeps.splice(0).reverse()) other.users--;
  }

  /** Releases its resources and its references. */
  destroy(): void {
    this.release();
    this.letGoOfAll();
  }

  /** What `inspect` shows in addition to type and references. */
  describe(): Readonly<Record<string, string | number>> {
    return {};
  }
}

type Constructor<T> = abstract new (...args: never[]) => T;

/**
 * An allocated ID: of an object, of one under construction, or of one that was destroyed
 * while its owner still knows the ID.
 */
type Entry = IommufdObject | 'reserved' | 'tombstone';

export class ObjectTable {
  readonly #entries = new Map<number, Entry>();
  readonly #gate: ResourceGate;

  constructor(gate: ResourceGate) {
    this.#gate = gate;
  }

  /**
   * Creates an object. Its ID is allocated first; the table finds the object once it is
   * complete.
   */
  create<T extends IommufdObject>(make: () => T): T {
    const id = this.#lowestFree();
    this.#gate('allocation', 'object ID');
    this.#entries.set(id, 'reserved');
    try {
      const object = make();
      object.id = id;
      this.#entries.set(id, object);
      return object;
    } catch (error) {
      this.#entries.delete(id);
      throw error;
    }
  }

  #lowestFree(): number {
    for (let id = 1; id <= MAX_ID; id++) if (!this.#entries.has(id)) return id;
    throw new IommufdError('ENOSPC', 'no object ID is left');
  }

  /**
   * @throws {IommufdError} ENOENT when there is no such object, `wrongType` when its type
   *   is another.
   */
  get<T extends IommufdObject>(
    id: number,
    type: Constructor<T>,
    wrongType: 'ENOENT' | 'EINVAL' = 'ENOENT',
  ): T {
    const object = this.find(id);
    require(object !== undefined, 'ENOENT', `there is no object ${id}`);
    require(object instanceof type, wrongType, `object ${id} is a ${object.type}`);
    return object;
  }

  find(id: number): IommufdObject | undefined {
    const entry = this.#entries.get(id);
    return entry instanceof IommufdObject ? entry : undefined;
  }

  /** IOMMU_DESTROY. */
  destroy(id: number): void {
    const object = this.find(id);
    require(object !== undefined, 'ENOENT', `there is no object ${id}`);
    require(object.users === 1, 'EBUSY', `${object.type} ${id} is in use`);
    object.destroy();
    this.#entries.delete(id);
  }

  /**
   * Destroys an object whose owner is not told: its ID stays allocated and names nothing.
   */
  bury(object: IommufdObject): void {
    object.destroy();
    this.#entries.set(object.id, 'tombstone');
  }

  remove(object: IommufdObject): void {
    object.destroy();
    this.#entries.delete(object.id);
  }

  get objects(): readonly IommufdObject[] {
    return [...this.#entries.values()].filter((entry) => entry instanceof IommufdObject);
  }

  /** Destroys all objects: in each pass those without users. */
  destroyAll(): void {
    for (let left = this.objects; left.length > 0; left = this.objects) {
      const free = left.filter(({ users }) => users === 1);
      // Only a wrong user count could leave none.
      require(free.length > 0, 'EBUSY', `${left.length} objects keep each other`);
      for (const object of free) this.remove(object);
    }
    this.#entries.clear();
  }
}
