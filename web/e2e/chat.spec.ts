/** Two people in a conversation, and their lists of chats. */
import type { Page } from "@playwright/test";
import { expect, expectAccessible, test } from "./harness/test";

const field = (page: Page) => page.getByRole("textbox", { name: "Write a message" });
const messages = (page: Page) => page.getByRole("list", { name: "Messages" });
const message = (page: Page, text: string) => messages(page).getByRole("listitem").filter({ hasText: text });
const inList = (page: Page, text: string) =>
  page.getByRole("list", { name: "Chats" }).getByRole("listitem").filter({ hasText: text });

async function write(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

test("a message is answered, changed and deleted, with pointer and keyboard, and the other sees it", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await bob.send(chat, "The first question");
  for (let n = 1; n <= 60; n += 1) await bob.send(chat, `filler ${n}`);
  await bob.send(chat, "And the last", { reply_to: 1 });
  await ada.api("PUT", `/chats/${chat.id}/read`, { seq: 62 });
  await Promise.all([ada.openChat(chat), bob.openChat(chat)]);

  // A quote leads to what it quotes, far back.
  const last = message(ada.page, "And the last");
  await last.getByRole("button", { name: /The first question/ }).click();
  await expect(
    message(ada.page, "The first question").filter({ hasNotText: "And the last" }),
  ).toBeInViewport();
  await ada.page.getByRole("button", { name: "To the newest message" }).click();
  await expect(last).toBeInViewport();

  await last.click({ button: "right" });
  await ada.page.getByRole("menuitem", { name: "Reply" }).click();
  await write(ada.page, "An anwser");
  await expect(message(bob.page, "An anwser").getByRole("button", { name: /And the last/ })).toBeVisible();

  await expect(
    message(ada.page, "An anwser").locator("[data-progress=delivered], [data-progress=read]"),
  ).toBeVisible();
  await field(ada.page).press("ArrowUp");
  await expect(ada.page.locator("[data-row]:focus")).toContainText("An anwser");
  await ada.page.keyboard.press("e");
  await expect(field(ada.page)).toHaveValue("An anwser");
  await write(ada.page, "An answer");
  await expect(message(bob.page, "An answer").getByText("edited")).toBeVisible();

  await field(ada.page).press("ArrowUp");
  await expect(ada.page.locator("[data-row]:focus")).toContainText("An answer");
  await ada.page.keyboard.press("Delete");
  await ada.page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(message(bob.page, "This message was deleted")).toBeVisible();
  await expect(message(ada.page, "You deleted this message")).toBeVisible();
});

test("a long conversation opens at the unread line, and older messages come as one scrolls, without a jump", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  for (let n = 1; n <= 150; n += 1) await bob.send(chat, `line ${n}.`);
  await ada.api("PUT", `/chats/${chat.id}/read`, { seq: 120 });
  await ada.openChat(chat);
  await expect(ada.page.getByText("Unread messages", { exact: true })).toBeInViewport();
  await expect(message(ada.page, "line 121.")).toBeInViewport();
  await expectAccessible(ada.page);
  await ada.page.getByRole("textbox", { name: "Write a message" }).focus();
  await expect
    .poll(async () => {
      await ada.page.keyboard.press("Shift+Tab");
      return ada.page.evaluate(() => document.activeElement?.getAttribute("data-row") ?? "");
    })
    .not.toBe("");
  await expect(message(ada.page, "line 121.")).toBeInViewport(); // the keyboard enters where one reads

  const scroller = ada.page.locator("[data-scroller]").filter({ has: messages(ada.page) });
  await scroller.hover();
  await expect
    .poll(async () => {
      await ada.page.mouse.wheel(0, -1_500);
      return message(ada.page, "line 1.").isVisible();
    })
    .toBe(true);
  const numbers = await scroller.evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return [...element.querySelectorAll<HTMLElement>("[role=listitem]")]
      .filter((row) => row.getBoundingClientRect().bottom > top && row.getBoundingClientRect().top < bottom)
      .map((row) => Number(/line (\d+)\./.exec(row.textContent ?? "")?.[1]));
  });
  expect(numbers.length).toBeGreaterThan(3);
  expect(numbers).toEqual(Array.from(numbers, (_, index) => index + 1));
});

for (const reducedMotion of ["reduce", "no-preference"] as const) {
  test(`a long conversation opens at its end, whatever moves on the page (${reducedMotion})`, async ({
    person,
  }) => {
    const [ada, bob] = await Promise.all([
      person("Ada", { reducedMotion }),
      person("Bob", { signedIn: false }),
    ]);
    const chat = await ada.directChat(bob);
    for (let i = 0; i < 60; i++) {
      const [from, text] =
        i % 3 === 0 ? [bob, `Message ${i}`] : [ada, `Message ${i}: ${"some words ".repeat((i * 7) % 23)}`];
      await from.send(chat, text);
    }
    const newest = await bob.send(chat, "the newest of them all");
    await ada.api("PUT", `/chats/${chat.id}/read`, { seq: newest.seq });
    await ada.goto("/");
    await ada.page.locator(`[data-chat="${chat.id}"]`).click();
    await expect(message(ada.page, "the newest of them all")).toBeInViewport({ ratio: 1 });
  });
}

test("what is being written is there again after a reload, and told in the list", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await ada.send(chat, "Begun");
  await ada.openChat(chat);
  await field(ada.page).fill("Half a tho");
  await ada.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Chats" }).click();
  await expect(inList(ada.page, "Draft: Half a tho")).toBeVisible();
  await ada.page.reload();
  await inList(ada.page, "Draft: Half a tho").click();
  await expect(field(ada.page)).toHaveValue("Half a tho");
});

test("in a group, names are shown, admins delete what others wrote, and one sees who has read", async ({
  person,
}) => {
  const [ada, bob, cy] = await Promise.all([person("Ada"), person("Bob"), person("Cy")]);
  const group = await ada.group("Tour", bob, cy);
  await bob.send(group, "Nonsense <b>bold</b>");
  await ada.send(group, "Please not");
  await Promise.all([ada.openChat(group), cy.openChat(group)]);
  await expect(message(cy.page, "Nonsense <b>bold</b>")).toContainText("Bob");

  await message(ada.page, "Please not").hover();
  await message(ada.page, "Please not").getByRole("button", { name: "More" }).click();
  await ada.page.getByRole("menuitem", { name: "Message info" }).click();
  const info = ada.page.getByRole("dialog", { name: "Message info" });
  await expect(info.getByRole("heading", { name: "Read by" }).locator("..").getByText("Cy")).toBeVisible();
  await info.getByRole("button", { name: "Close" }).click();

  await message(cy.page, "Nonsense").click({ button: "right" });
  await expect(cy.page.getByRole("menuitem", { name: "Delete for everyone" })).toHaveCount(0);
  await cy.page.keyboard.press("Escape");
  await message(ada.page, "Nonsense").click({ button: "right" });
  await ada.page.getByRole("menuitem", { name: "Delete for everyone" }).click();
  await ada.page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(message(cy.page, "This message was deleted")).toBeVisible();
});

test("chats are pinned, muted, found and left from the list", async ({ person }) => {
  const ada = await person("Ada");
  await ada.group("Older");
  await ada.group("Newer");
  await ada.goto("/");
  const menu = (title: string, item: string) =>
    inList(ada.page, title)
      .click({ button: "right" })
      .then(() => ada.page.getByRole("menuitem", { name: item, exact: true }).click());
  const rows = ada.page.getByRole("list", { name: "Chats" }).getByRole("listitem");
  await expect(rows.first()).toContainText("Newer");
  await menu("Older", "Pin");
  await expect(rows.first()).toContainText("Older");
  await menu("Newer", "Mute for a week");
  await expect(inList(ada.page, "Newer").getByText("Muted")).toBeAttached();
  await menu("Newer", "Unmute");
  await expect(inList(ada.page, "Newer").getByText("Muted")).toHaveCount(0);
  await ada.page.getByRole("searchbox", { name: "Search chats" }).fill("old");
  await expect(rows).toHaveCount(1);
  await menu("Older", "Delete group");
  await ada.page.getByRole("alertdialog").getByRole("button", { name: "Delete for everyone" }).click();
  await expect(ada.page.getByText("No chat is called “old”.")).toBeVisible();
});

test("emoji come from our own origin", async ({ person }) => {
  const ada = await person("Ada");
  const chat = await ada.group("Party");
  await ada.openChat(chat);
  await field(ada.page).fill("Hi ");
  await ada.page.getByRole("button", { name: "Emoji" }).click();
  await ada.page.getByRole("searchbox", { name: "Search emoji" }).fill("party popper");
  await ada.page.getByRole("gridcell", { name: "Party popper" }).click();
  await expect(field(ada.page)).toHaveValue("Hi 🎉");
  await expect(field(ada.page)).toBeFocused();
});

for (const colorScheme of ["light", "dark"] as const)
  test(`axe finds nothing in list and conversation (${colorScheme})`, async ({ person }) => {
    const [ada, bob] = await Promise.all([person("Ada", { colorScheme }), person("Bob")]);
    const group = await ada.group("Tour", bob);
    await ada.send(group, "See `code`, https://example.org and _this_");
    const first = await bob.send(group, "Yes");
    await ada.send(group, "An answer", { reply_to: first.seq });
    await ada.openChat(group);
    await expect(message(ada.page, "An answer")).toBeVisible();
    await expectAccessible(ada.page);
  });
