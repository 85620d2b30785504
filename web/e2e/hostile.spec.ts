/** What people write is text: no name, message, title, link or file of theirs becomes a part of the page. */
import { expect, test } from "./harness/test";

const MARKUP = `<img src=x onerror="window.ran='text'"><script>window.ran='text'</script>`;
const NAME = `<b onmouseover="window.ran='name'">Eve`;
const LINKS = [
  "javascript:window.ran='link'",
  "data:text/html,<script>window.ran='data'</script>",
  "vbscript:x",
  "file:///etc/passwd",
  "https://example.org/?q=<script>\"'",
];
const OVERRIDE = "\u202Egnp.exe\u2066";

test("hostile names, texts, titles and links are shown, and do nothing", async ({ person }) => {
  const [ada, eve] = await Promise.all([person("Ada"), person(NAME, { signedIn: false })]);
  const chat = await ada.group(`</title>${MARKUP}`, eve);
  await eve.send(chat, MARKUP);
  await eve.send(chat, LINKS.join(" "));
  await eve.send(chat, `${OVERRIDE} and on`);
  await eve.send(chat, "Z̸̡͖̪͎a̷l̴g̵o".repeat(40));
  await eve.send(chat, "a".repeat(3_000));
  await eve.send(chat, "https://example.org/".padEnd(2_000, "x"));
  const talk = await ada.openChat(chat);
  await expect(talk.message(MARKUP)).toBeVisible();
  await expect(talk.message(MARKUP)).toContainText(NAME);
  for (const link of await talk.messages.getByRole("link").all()) {
    expect(await link.getAttribute("href")).toMatch(/^https?:\/\//);
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer nofollow ugc");
  }
  await talk.message(MARKUP).hover();
  await talk.choose(MARKUP, "Reply");
  await talk.say("I see");
  await expect(talk.message("I see")).toContainText("<img");
  expect(await ada.page.evaluate(() => (window as unknown as { ran?: string }).ran)).toBeUndefined();
  const width = await ada.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(width).toBeLessThanOrEqual(0);
});

test("an address that leads nowhere says so", async ({ person, trouble }) => {
  trouble.allow(/status of 40[04]/);
  const ada = await person("Ada");
  for (const path of [
    "/chats/nowhere",
    "/chats/%3Cscript%3E",
    "/no/such/page",
    "/invite/nothing",
    "/settings/nothing",
  ]) {
    await ada.goto(path);
    await expect(ada.page.getByRole("navigation", { name: "Main" })).toBeVisible();
    await expect(ada.page.getByRole("main")).not.toBeEmpty();
  }
});
