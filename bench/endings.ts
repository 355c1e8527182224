// SPDX-License-Identifier: MIT
// Ends what a measurement has started (threads, machines, processes), also when it fails.

/** Something that a measurement has started. */
export interface Running {
  end(): Promise<void>;
}

/** Notes something that is to be ended, and returns it. */
export type Ending = <T extends Running>(started: T) => T;

/**
 * Calls a measurement, and then ends everything that it has noted, the last first, even
 * if an end fails.
 * @returns the result of the measurement.
 * @throws the measurement's error, otherwise the first one of the ends.
 */
export async function endingAll<R>(measure: (ending: Ending) => R | Promise<R>): Promise<R> {
  const started: Running[] = [];
  const end = async () => {
    const errors: unknown[] = [];
    for (const one of started.reverse()) {
      try {
        await one.end();
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  };
  let result: R;
  try {
    result = await measure((one) => {
      started.push(one);
      return one;
    });
  } catch (error) {
    await end();
    throw error;
  }
  const [error] = await end();
  if (error !== undefined) throw error;
  return result;
}
