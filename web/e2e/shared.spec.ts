/** What people have shown each other in a chat, beside it. */

import { png } from "./harness/pictures";
import { type Chat, expect, expectAccessible, type Person, test } from "./harness/test";

test("pictures and documents of a chat are found beside it, looked at, and lead to their place in the conversation", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada", { signedIn: false }), person("Bob")]);
  const chat = await ada.directChat(bob);
  await picture(ada, chat, "The first hill");
  const notes = await ada.upload(Buffer.from("some notes"), "document", "text/plain");
  await ada.send(chat, "", {
    type: "document",
    media_id: notes,
    content: { filename: "notes.txt", size: 10 },
  });
  // Longer than what a conversation has in memory at first.
  for (let n = 0; n < 70; n += 1) await ada.send(chat, `line ${n}`);
  await picture(ada, chat, "The last hill");

  const talk = await bob.openChat(chat);
  await bob.page.getByRole("link", { name: "Ada: about this chat" }).click();
  await bob.page.getByRole("link", { name: "Media and documents" }).click();
  await expect(bob.page).toHaveURL(new RegExp(`/chats/${chat.id}/info/media$`));
  const pane = bob.page.getByRole("complementary");
  const tiles = pane.getByRole("button", { name: /^Open: Photo from Ada/ });
  await expect(tiles).toHaveCount(2);
  await expectAccessible(bob.page);

  // What is sent while somebody looks is there at once; what is deleted is not.
  const { seq } = await picture(ada, chat, "A mistake");
  await expect(tiles).toHaveCount(3);
  await ada.api("DELETE", `/chats/${chat.id}/messages/${seq}`);
  await expect(tiles).toHaveCount(2);

  await tiles.first().focus();
  await bob.page.keyboard.press("ArrowRight");
  await bob.page.keyboard.press("Enter");
  const viewer = bob.page.getByRole("dialog", { name: "Photos and videos of this chat" });
  await expect(viewer.getByRole("img", { name: "The first hill" })).toBeVisible();
  await expectAccessible(bob.page);
  await viewer.getByRole("button", { name: "Show in chat" }).click();
  await expect(viewer).toHaveCount(0);
  await expect(bob.page).toHaveURL(new RegExp(`/chats/${chat.id}$`));
  await expect(talk.message("The first hill")).toBeInViewport();

  // On a phone it is all there is on the screen.
  await bob.page.setViewportSize({ width: 390, height: 800 });
  await bob.goto(`/chats/${chat.id}/info/media`);
  await pane.getByRole("tab", { name: "Documents" }).click();
  const saved = bob.page.waitForEvent("download");
  await pane.getByRole("button", { name: "Download notes.txt" }).click();
  expect((await saved).suggestedFilename()).toBe("notes.txt");
  await expectAccessible(bob.page);
  await pane.getByRole("tab", { name: "Voice" }).click();
  await expect(pane.getByText("No voice messages yet")).toBeVisible();
  await pane.getByRole("button", { name: "Back" }).click();
  await expect(bob.page).toHaveURL(new RegExp(`/chats/${chat.id}/info$`));
});

async function picture(person: Person, chat: Chat, caption: string) {
  const { buffer, mimeType } = png("hill.png", 320, 200);
  const media_id = await person.upload(buffer, "image", mimeType);
  return person.send(chat, "", { type: "image", media_id, content: { width: 320, height: 200, caption } });
}
