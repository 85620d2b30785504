/** Whoever makes a sound has the floor: the one before is paused. */
let quieten: (() => void) | null = null;

export function takeFloor(pause: () => void): void {
  if (quieten !== pause) quieten?.();
  quieten = pause;
}

export function leaveFloor(pause: () => void): void {
  if (quieten === pause) quieten = null;
}
