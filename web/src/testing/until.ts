import { expect, vi } from "vitest";

/** The test's clock goes on until this is done. */
export async function until<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  work.then(done, done);
  for (let ms = 0; !isDone && ms < 20_000; ms += 1) await vi.advanceTimersByTimeAsync(1);
  expect(isDone).toBe(true);
  return work;
}
