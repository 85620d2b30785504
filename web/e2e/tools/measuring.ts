/** What is measured in a page, by the page's own clock. */
import type { BrowserContext, Page } from "@playwright/test";

interface Measuring {
  /**
   * When the conversation was painted whole: its newest message is to be seen, and messages fill the screen above it. Milliseconds since `performance.timeOrigin`.
   *
   * @param newest text of its newest message
   */
  painted(newest: string): Promise<number>;
  /** Milliseconds from a click on this element until then. */
  opened(element: HTMLElement, newest: string): Promise<number>;
  /** Begins anew with what holds up the page. */
  watch(): void;
  /** Tasks that took longer than 50 ms since then, and from each key until the next frame has been made. */
  held(): { tasks: number[]; keys: number[] };
}

type Measured = Window & { measuring: Measuring };

/** Before any page of the context is opened. */
export async function measure(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    /** What may lie between two messages: a day's separator. */
    const BETWEEN = 48;
    const seen = (element: Element) => element.checkVisibility({ visibilityProperty: true });
    const isWhole = (newest: string) => {
      const scroller = document.querySelector("[data-scroller]");
      if (scroller === null) return false;
      const screen = scroller.getBoundingClientRect();
      const boxes = [...scroller.querySelectorAll("[data-row]")].filter(seen).map((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return { top, bottom, isNewest: row.textContent?.includes(newest) === true };
      });
      const end = boxes.find(({ isNewest }) => isNewest);
      return (
        end !== undefined &&
        end.bottom <= screen.bottom + 1 &&
        boxes.some(({ top }) => top <= screen.top + BETWEEN)
      );
    };
    const painted = async (newest: string) => {
      while (!isWhole(newest)) await frame();
      // What was so at the beginning of a frame is on the screen after it.
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return performance.now();
    };
    let tasks: number[] = [];
    let keys: number[] = [];
    new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map(({ duration }) => duration)),
    ).observe({ type: "longtask" });
    // Not by Event Timing: without a screen, Chromium presents frames when it likes to.
    document.addEventListener(
      "keydown",
      ({ timeStamp }) =>
        requestAnimationFrame(() => setTimeout(() => keys.push(performance.now() - timeStamp))),
      { capture: true },
    );
    (window as unknown as Measured).measuring = {
      painted,
      async opened(element, newest) {
        const began = performance.now();
        element.click();
        return (await painted(newest)) - began;
      },
      watch() {
        tasks = [];
        keys = [];
      },
      held: () => ({ tasks, keys }),
    };
  });
}

export const painted = (page: Page, newest: string) =>
  page.evaluate((text) => (window as unknown as Measured).measuring.painted(text), newest);

export const opened = (page: Page, chatId: string, newest: string) =>
  page
    .locator(`[data-chat="${chatId}"]`)
    .evaluate(
      (row: HTMLElement, text) => (window as unknown as Measured).measuring.opened(row, text),
      newest,
    );

/** What held up the page while this was done. */
export async function heldUp(
  page: Page,
  done: () => Promise<void>,
): Promise<{ tasks: number[]; keys: number[] }> {
  await page.evaluate(() => (window as unknown as Measured).measuring.watch());
  await done();
  return page.evaluate(() => (window as unknown as Measured).measuring.held());
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
