// SPDX-License-Identifier: MIT
// The reason why a URL could not be fetched. Engines have it in the cause of their error,
// or do not report it.

/** The messages of Node.js and browsers that give no reason. */
const EMPTY = /^(?:fetch failed|Failed to fetch|Load failed|NetworkError when attempting.*)$/;

/**
 * The reason why a fetch failed, as part of a line.
 * @param error the value that `fetch` has thrown.
 * @returns undefined for an error whose own message gives a reason.
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
