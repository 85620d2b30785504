/** What leads from one thing to another: rings around those who tell stories, and messages that are passed on. */

import { png } from "./harness/pictures";
import { type Chat, expect, expectAccessible, type Message, type Person, test } from "./harness/test";

test("whoever tells a story has a ring in the list and above the conversation; it is watched over the page, which stays", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada", { signedIn: false }), person("Bob")]);
  const chat = await ada.directChat(bob);
  await ada.api("POST", "/stories", { type: "text", content: { text: "Fog, and then everything" } });
  await bob.openChat(chat);
  const rings = bob.page.getByRole("button", { name: "Ada’s stories" });
  await expect(rings).toHaveCount(2);
  await expect(bob.page.getByText("New stories")).toBeAttached();
  await expectAccessible(bob.page);
  await rings.first().click();
  await expect(bob.page.getByText("Fog, and then everything")).toBeVisible();
  await bob.page.getByRole("button", { name: "Close" }).click();
  await expect(bob.page).toHaveURL(new RegExp(`/chats/${chat.id}$`));
  await expect(rings.last().locator('path[data-seen="true"]')).toHaveCount(1);
  await expect(bob.page.getByText("New stories")).toHaveCount(0);
});

test("a picture of somebody else is passed on, and once more, now that it is one's own", async ({
  person,
}) => {
  const [ada, bob, cy] = await Promise.all([person("Ada", { signedIn: false }), person("Bob"), person("Cy")]);
  const [direct, group] = await Promise.all([ada.directChat(bob), bob.group("Walks", cy)]);
  const file = png("hill.png", 320, 200);
  const mediaId = await ada.upload(file.buffer, "image", file.mimeType);
  const content = { width: 320, height: 200, caption: "The hill" };
  await ada.send(direct, "", { type: "image", media_id: mediaId, content });

  const talk = await bob.openChat(direct);
  await talk.choose("The hill", "Forward");
  await forwardTo(bob, "Walks");
  await expect(bob.page).toHaveURL(new RegExp(`/chats/${group.id}$`));
  await talk.progress("The hill", "Sent");
  const seen = (await cy.openChat(group)).message("The hill");
  await expect(seen.locator("img[data-loaded='true']")).toBeVisible();
  await expect(seen).toContainText("Forwarded");
  await expect(talk.message("The hill")).toContainText("Forwarded");

  await talk.choose("The hill", "Forward");
  await forwardTo(bob, "Ada");
  await expect(bob.page).toHaveURL(new RegExp(`/chats/${direct.id}$`));
  await expect(talk.message("The hill")).toHaveCount(2);
  await talk.progress("The hill", "Sent");
  const [first, back] = await Promise.all([last(bob, group), last(bob, direct)]);
  expect(first.media_id).not.toBe(mediaId);
  expect(back).toMatchObject({ sender_id: bob.id, media_id: first.media_id, content, forwarded: true });
});

async function forwardTo(person: Person, title: string): Promise<void> {
  const dialog = person.page.getByRole("dialog", { name: "Forward to" });
  await dialog.getByRole("button", { name: title }).click();
  await dialog.getByRole("button", { name: "Send" }).click();
  await expect(dialog).toHaveCount(0);
}

async function last(person: Person, chat: Chat): Promise<Message> {
  const { items } = await person.api<{ items: Message[] }>("GET", `/chats/${chat.id}/messages?limit=50`);
  return items.reduce((newest, message) => (message.seq > newest.seq ? message : newest));
}
