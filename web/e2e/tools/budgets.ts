/** Figures of a large account: how long its chats take to open, and whether anything holds up who types or scrolls. `npm run budgets`. */
import { flood } from "../harness/flood";
import { type Chat, expect, Person, test } from "../harness/test";
import { Trouble } from "../harness/trouble";
import { heldUp, measure, median, opened, painted } from "./measuring";

const MESSAGES = 10_000;
const CHATS = 500;
const OPEN_MS = 200;
const LONG_TASK_MS = 50;
/** What one writes is seen without a delay that one would notice. */
const KEY_MS = 100;
/** Between two keys: faster than anybody types. */
const KEY_EVERY_MS = 60;
/** Messages a second that come while somebody types: into the open chat, and into the others. */
const BUSY = [
  { here: 10, elsewhere: 10 },
  { here: 50, elsewhere: 25 },
];
const BUSY_S = 12;
const SENTENCE = "The quick brown fox jumps over the lazy dog. ";

const trouble = new Trouble();
let ada: Person;
let bob: Person;
let chat: Chat;
let others: Chat[];
const NEWEST = "the newest of them all";
const OTHER = "a word in another chat";

test.describe.configure({ mode: "serial", timeout: 90_000 });

/** What people write: short and long, with links, marks and smileys. */
function textOf(index: number): string {
  const words = "lorem ipsum dolor sit amet ".repeat((index * 7) % 9);
  const extra = ["", " 👍", " see https://example.org/a/b?c=d", " *really*", "\nand `code` too"][index % 5];
  return `Message ${index}: ${words}${index % 3 === 0 ? (extra ?? "") : ""}`;
}

test.beforeAll(async ({ browser }) => {
  ada = await Person.make(browser, trouble, "Ada", { reducedMotion: "no-preference" });
  bob = await Person.make(browser, trouble, "Bob", { signedIn: false });
  await measure(ada.context);
  others = [];
  while (others.length < CHATS - 1) {
    const titles = Array.from({ length: 25 }, (_, i) => `Group ${others.length + i}`);
    others.push(...(await Promise.all(titles.map((title) => bob.group(title, ada)))));
  }
  await flood(
    bob,
    others.map((group) => ({ chat: group, text: OTHER })),
  );
  chat = await ada.directChat(bob);
  const half = Array.from({ length: MESSAGES / 2 }, (_, index) => ({ chat, text: textOf(index) }));
  const answers = half.map((each, index) =>
    index % 10 === 0 && index > 50 ? { ...each, replyTo: index } : each,
  );
  await Promise.all([flood(ada, half), flood(bob, answers)]);
  const newest = await bob.send(chat, NEWEST);
  await ada.api("PUT", `/chats/${chat.id}/read`, { seq: newest.seq });
});

test.afterAll(async () => {
  await Promise.all([ada, bob].map((person) => person.leave()));
  trouble.check();
});

/** The list is there, and nothing is under way any more. */
async function atRest(): Promise<void> {
  await expect(ada.page.locator(`[data-chat="${chat.id}"]`)).toBeVisible();
  await ada.page.waitForLoadState("networkidle");
}

test("opening", async () => {
  const first: number[] = [];
  const later: number[] = [];
  const cold: number[] = [];
  await ada.goto("/");
  await atRest();
  const unkept = await opened(ada.page, chat.id, NEWEST);
  for (let round = 0; round < 5; round++) {
    await ada.goto("/");
    await atRest();
    first.push(await opened(ada.page, chat.id, NEWEST));
  }
  const other = ada.page.locator(`[data-chat]:not([data-chat="${chat.id}"])`).first();
  for (let round = 0; round < 9; round++) {
    await other.click();
    await expect(ada.page.locator("[data-scroller]").getByText(OTHER)).toBeVisible();
    later.push(await opened(ada.page, chat.id, NEWEST));
  }
  for (let round = 0; round < 5; round++) {
    await ada.goto(`/chats/${chat.id}`);
    cold.push(await painted(ada.page, NEWEST));
  }
  tell("opening it, the first time in a session", first, OPEN_MS);
  tell("opening it, from another chat", later, OPEN_MS);
  tell("opening it, where nothing of it is kept", [unkept]);
  tell("the page itself, loaded at this chat", cold);
  expect(median(first)).toBeLessThan(OPEN_MS);
  expect(median(later)).toBeLessThan(OPEN_MS);
});

test("typing", async () => {
  const talk = await ada.openChat(chat);
  await painted(ada.page, NEWEST);
  await atRest();
  const type = () => talk.field.pressSequentially(SENTENCE.repeat(4), { delay: KEY_EVERY_MS });
  const quiet = await heldUp(ada.page, type);
  tellHeld("typing", quiet);
  const all = [quiet];
  for (const busy of BUSY) {
    await talk.field.fill("");
    const here = Array.from({ length: busy.here * BUSY_S }, (_, index) => ({ chat, text: textOf(index) }));
    const elsewhere = Array.from({ length: busy.elsewhere * BUSY_S }, (_, index) => ({
      chat: others[index] as Chat,
      text: OTHER,
    }));
    const held = await heldUp(ada.page, async () => {
      await Promise.all([type(), flood(bob, here, busy.here), flood(bob, elsewhere, busy.elsewhere)]);
    });
    tellHeld(`typing while ${busy.here} messages a second come here and ${busy.elsewhere} elsewhere`, held);
    all.push(held);
  }
  for (const { tasks, keys } of all) {
    expect(tasks).toEqual([]);
    expect(Math.max(...keys)).toBeLessThan(KEY_MS);
  }
});

test("scrolling", async () => {
  await ada.openChat(chat);
  await ada.page.locator("[data-scroller]").hover();
  const top = ada.page.locator("[data-scroller]").getByText(/^Message 0: /);
  const scrolled = await heldUp(ada.page, async () => {
    while ((await top.count()) === 0) await ada.page.mouse.wheel(0, -3_000);
  });
  tellHeld(`scrolling up through ${MESSAGES} messages`, scrolled);
});

function tell(what: string, ms: readonly number[], budget?: number): void {
  const all = ms.map((each) => each.toFixed(0)).join(", ");
  say(
    `${what}: median ${median(ms).toFixed(0)} ms${budget === undefined ? "" : ` of ${budget} ms`} (${all})`,
  );
}

function tellHeld(what: string, { tasks, keys }: { tasks: number[]; keys: number[] }): void {
  const longest = tasks.length > 0 ? `, the longest ${Math.max(...tasks).toFixed(0)} ms` : "";
  const slowest =
    keys.length > 0
      ? `; slowest key ${Math.max(...keys).toFixed(0)} ms of ${KEY_MS} ms, median ${median(keys).toFixed(0)} ms`
      : "";
  say(`${what}: ${tasks.length} tasks over ${LONG_TASK_MS} ms${longest}${slowest}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
