/** Asking the browser where it is. */
import type { Point } from "./geodesy";

export interface Fix extends Point {
  /** Metres. */
  accuracy: number;
}

export type LocatingProblem = "denied" | "unavailable" | "timeout" | "unsupported";

export class LocatingError extends Error {
  override name = "LocatingError";
  constructor(readonly problem: LocatingProblem) {
    super(`the position is not known: ${problem}`);
  }
}

const PROBLEMS: Readonly<Record<number, LocatingProblem>> = { 1: "denied", 2: "unavailable", 3: "timeout" };

/** Positions as they come, the better ones later. Returns what ends it. */
export function watch(
  onFix: (fix: Fix) => void,
  onProblem: (problem: LocatingProblem) => void,
  geolocation: Geolocation | undefined = globalThis.navigator?.geolocation,
): () => void {
  // Browsers know where they are on secure pages only.
  if (geolocation === undefined || globalThis.isSecureContext === false) {
    onProblem("unsupported");
    return () => undefined;
  }
  const id = geolocation.watchPosition(
    ({ coords }) => onFix(rounded(coords.latitude, coords.longitude, coords.accuracy)),
    ({ code }) => onProblem(PROBLEMS[code] ?? "unavailable"),
    { enableHighAccuracy: true, maximumAge: 10_000, timeout: 30_000 },
  );
  return () => geolocation.clearWatch(id);
}

/** No more digits than mean something: six decimals are a hand's breadth. */
export function rounded(lat: number, lng: number, accuracy: number): Fix {
  const six = (value: number) => Math.round(value * 1e6) / 1e6;
  return { lat: six(lat), lng: six(lng), accuracy: Math.round(Math.min(1_000_000, Math.max(0, accuracy))) };
}
