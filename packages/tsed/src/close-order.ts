/**
 * Ts.ED notifies all services at once that the application ends. Whoever closes a database connection then would take it
 * from jobs that still run; so what closes it waits until the scheduler has stopped.
 *
 * @module
 */

/**
 * Makes a method wait for something else before it does its work.
 *
 * @param first - what has to end first; it must not reject
 * @returns gives the method back as it was
 */
export function doFirst<Name extends string>(
  target: { [name in Name]: (...args: never[]) => Promise<unknown> },
  name: Name,
  first: () => Promise<void>,
): () => void {
  const original = target[name];
  const waiting = async (...args: never[]): Promise<unknown> => {
    await first();
    return original.apply(target, args);
  };
  target[name] = waiting;
  return () => {
    if (target[name] === waiting) target[name] = original;
  };
}
