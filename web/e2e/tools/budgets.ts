/** Figures: how long a chat of 10,000 messages takes to open, and whether typing is ever held up. `npm run budgets`. */
import { expect, test } from "../harness/test";

const MESSAGES = 10_000;
const OPEN_MS = 200;
const LONG_TASK_MS = 50;
const AT_ONCE = 40;

test("a chat of 10,000 messages", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob", { signedIn: false })]);
  const chat = await ada.directChat(bob);
  const texts = Array.from(
    { length: MESSAGES },
    (_, i) => `Message ${i + 1}: ${"word ".repeat((i % 23) + 1)}`,
  );
  for (let first = 0; first < MESSAGES; first += AT_ONCE) {
    await Promise.all(texts.slice(first, first + AT_ONCE).map((text) => bob.send(chat, text)));
  }
  await ada.goto("/");
  const row = ada.page.locator(`[data-chat="${chat.id}"]`);
  await expect(row).toBeVisible();
  const opened: number[] = [];
  for (let round = 0; round < 5; round++) {
    const ms = await row.evaluate(async (link: HTMLElement) => {
      const began = performance.now();
      link.click();
      // Until its messages have been painted.
      while (document.querySelector('[data-testid="messages"] [data-row]') === null) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return performance.now() - began;
    });
    opened.push(ms);
    await ada.page.goBack();
    await expect(ada.page.getByTestId("messages")).toHaveCount(0);
  }
  await row.click();
  const field = ada.page.getByRole("textbox", { name: "Write a message" });
  await expect(field).toBeVisible();
  await ada.page.evaluate(() => {
    const seen = window as unknown as { long: number[] };
    seen.long = [];
    new PerformanceObserver((list) => {
      seen.long.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: "longtask" });
  });
  await field.pressSequentially("The quick brown fox jumps over the lazy dog. ".repeat(4), { delay: 15 });
  const long = await ada.page.evaluate(() => (window as unknown as { long: number[] }).long);

  const median = [...opened].sort((a, b) => a - b)[2] ?? Number.NaN;
  process.stdout.write(
    `opening a chat of ${MESSAGES} messages: ${opened.map((ms) => ms.toFixed(0)).join(", ")} ms; median ${median.toFixed(0)} of ${OPEN_MS} ms\n` +
      `tasks over ${LONG_TASK_MS} ms while typing: ${long.length}${long.length > 0 ? ` (longest ${Math.max(...long).toFixed(0)} ms)` : ""}\n`,
  );
  expect(median).toBeLessThan(OPEN_MS);
});
