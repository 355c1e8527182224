// SPDX-License-Identifier: MIT
// Why a URL could not be fetched: engines put it into the cause of their error, or nowhere.

/** What Node.js and browsers say of any failure: nothing. */
const EMPTY = /^(?:fetch failed|Failed to fetch|Load failed|NetworkError when attempting.*)$/;

/**
 * Why a fetch failed, as part of a line.
 * @param error what `fetch` has thrown.
 * @returns undefined for an error that says more than that.
 */
export function fetchReason(error: unknown): string | undefined {
  const { message, cause } = (error ?? {}) as {
    readonly message?: unknown;
    readonly cause?: unknown;
  };
  if (typeof message !== 'string' || !EMPTY.test(message)) return undefined;
  const { code, message: why } = (cause ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
  };
  const text = [why, code].find((one) => typeof one === 'string' && one !== '');
  return text === undefined ? 'the server does not answer' : `${message}: ${String(text)}`;
}
