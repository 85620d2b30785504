/** Where a key leads in a grid of elements that stand in lines, in the order of the document; `null` for another key, and at the ends. */
export function stepTo(all: readonly HTMLElement[], from: HTMLElement, key: string): HTMLElement | null {
  const at = all.indexOf(from);
  if (at < 0) return null;
  const rtl = getComputedStyle(from).direction === "rtl";
  switch (key) {
    case "ArrowRight":
      return all[at + (rtl ? -1 : 1)] ?? null;
    case "ArrowLeft":
      return all[at + (rtl ? 1 : -1)] ?? null;
    case "Home":
      return all[0] ?? null;
    case "End":
      return all.at(-1) ?? null;
    case "ArrowDown":
      return inNextLine(all.slice(at + 1), from);
    case "ArrowUp":
      return inNextLine(all.slice(0, at).toReversed(), from);
    default:
      return null;
  }
}

/** Of the line that comes next, the one that is nearest across. */
function inNextLine(others: readonly HTMLElement[], from: HTMLElement): HTMLElement | null {
  const box = from.getBoundingClientRect();
  const first = others.find((other) => other.getBoundingClientRect().top !== box.top);
  if (first === undefined) return null;
  const { top } = first.getBoundingClientRect();
  const line = others.filter((other) => other.getBoundingClientRect().top === top);
  const apart = (other: HTMLElement) => Math.abs(other.getBoundingClientRect().left - box.left);
  return line.reduce((nearest, other) => (apart(other) < apart(nearest) ? other : nearest), first);
}
