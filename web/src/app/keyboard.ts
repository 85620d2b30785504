/**
 * Some browsers lay the keyboard of a touch screen over the page instead of making the page smaller (iOS): what is at the bottom, where one writes, would be below it.
 * How much is covered is a length that the styles know, `--keyboard`; where the page is made smaller by itself, it is nothing.
 */
export interface Screen {
  innerHeight: number;
  visualViewport: Pick<VisualViewport, "height" | "scale" | "addEventListener"> | null;
  scrollTo(x: number, y: number): void;
}

/** What is seen of a page is smaller too when somebody has zoomed in: then nothing is known of a keyboard. */
const NOT_ZOOMED = 1.01;
/** Bars of the browser that come and go are no keyboard. */
const LEAST_PX = 80;

export function covered(innerHeight: number, seen: number, scale: number): number {
  const below = Math.round(innerHeight - seen);
  return scale > NOT_ZOOMED || below < LEAST_PX ? 0 : below;
}

export function keepAboveKeyboard(
  screen: Screen = window,
  root: HTMLElement = document.documentElement,
): void {
  const seen = screen.visualViewport;
  seen?.addEventListener("resize", () => {
    const height = covered(screen.innerHeight, seen.height, seen.scale);
    root.style.setProperty("--keyboard", `${height}px`);
    // The browser has moved the page up to show what is written in; it is in sight without that now.
    if (height > 0) screen.scrollTo(0, 0);
  });
}
