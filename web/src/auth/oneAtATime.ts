const here = new Map<string, Promise<unknown>>();

/**
 * Does something while no tab of this browser does another thing of this name.
 *
 * Web Locks are there only on secure origins. Elsewhere, which is a trial on a local network, the tab keeps order by itself alone.
 */
export function oneAtATime<T>(name: string, act: () => Promise<T>): Promise<T> {
  if (navigator.locks !== undefined) return navigator.locks.request(name, act) as Promise<T>;
  const before = here.get(name) ?? Promise.resolve();
  const result = before.then(act, act);
  here.set(name, result);
  return result;
}
