// SPDX-License-Identifier: MIT
// Checks of the values returned by functions of the user, before they are used. The
// one-line message names the function.

import type { DirectMap, DmaResult, InterruptLine } from './device-host.ts';
import { shownValue, typeOf } from './known-names.ts';

/** A function of the user returned a value that it must not. */
export class AnswerError extends TypeError {}

/**
 * @param what the function: "interrupts.line".
 * @param must what it must return: "a number".
 * @throws {AnswerError} always.
 */
export function refuseAnswer(what: string, must: string, value: unknown): never {
  throw new AnswerError(`${what} must return ${must}, not ${shownValue(value)}`);
}

/**
 * Refuses a Promise from a synchronous function, and ignores its result.
 * @throws {AnswerError} when the value is a Promise.
 */
export function refusePromise(what: string, must: string, value: unknown): void {
  if (!(value instanceof Promise)) return;
  value.catch(() => undefined);
  refuseAnswer(what, must, value);
}

/** @throws {AnswerError} when the value is neither true nor false. */
export function answeredFlag(value: unknown, what: string): boolean {
  return typeof value === 'boolean' ? value : refuseAnswer(what, 'true or false', value);
}

/** @throws {AnswerError} when the value is not a number. */
export function answeredNumber(value: unknown, what: string): number {
  return typeof value === 'number' && !Number.isNaN(value)
    ? value
    : refuseAnswer(what, 'a number', value);
}

/** @throws {AnswerError} when the value is neither an address nor undefined. */
export function answeredAddress(value: unknown, what: string): number | undefined {
  if (value === undefined) return undefined;
  return Number.isSafeInteger(value) && Number(value) >= 0
    ? Number(value)
    : refuseAnswer(what, 'an address, or undefined where there is no memory', value);
}

/** @throws {AnswerError} when the value is not a bigint. */
export function answeredBigint(value: unknown, what: string): bigint {
  return typeof value === 'bigint' ? value : refuseAnswer(what, 'a bigint', value);
}

/** @throws {AnswerError} when the value is neither a bigint nor undefined. */
export function answeredWord(value: unknown, what: string): bigint | undefined {
  return typeof value === 'bigint' || value === undefined
    ? value
    : refuseAnswer(what, 'a bigint, or undefined where there is no RAM', value);
}

/**
 * @param names functions that the object must have.
 * @throws {AnswerError} when the value is not an object, or lacks one of them.
 */
export function answeredObject<T>(value: T, names: readonly string[], what: string): T {
  const functions = value as Readonly<Record<string, unknown>> | null | undefined;
  const must = `an object with ${names.map((name) => `a function ${name}`).join(' and ')}`;
  if (typeof value !== 'object' || value === null || value instanceof Promise)
    refuseAnswer(what, must, value);
  for (const name of names)
    if (typeof functions?.[name] !== 'function')
      throw new AnswerError(`${what} must return ${must}: ${name} is ${typeOf(functions?.[name])}`);
  return value;
}

/** @throws {AnswerError} when the value is not an interrupt line. */
export function answeredLine(value: InterruptLine, what: string): InterruptLine {
  return answeredObject(value, ['pulse', 'setLevel'], what);
}

/** @throws {AnswerError} when the value is neither a direct map nor undefined. */
export function answeredMap(value: DirectMap | undefined, what: string): DirectMap | undefined {
  if (value === undefined) return undefined;
  const map = answeredObject(value, ['unmap'], what);
  const { memoryOffset } = map;
  if (!Number.isSafeInteger(memoryOffset) || memoryOffset < 0)
    throw new AnswerError(
      `${what} must return a memoryOffset from 0, not ${shownValue(memoryOffset)}`,
    );
  return map;
}

/**
 * @param length bytes of the access.
 * @throws {AnswerError} when the value is not a result of a DMA access.
 */
export function answeredDma(value: DmaResult, length: number, what: string): DmaResult {
  if (typeof value !== 'object' || value === null || typeof value.ok !== 'boolean')
    refuseAnswer(what, 'an object { ok, done }', value);
  const { done } = value;
  if (!Number.isInteger(done) || done < 0 || done > length)
    throw new AnswerError(
      `${what} must return how many of ${length} bytes are done, not ${shownValue(done)}`,
    );
  return value;
}
