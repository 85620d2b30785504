/** Two people in two browsers. */
import { expect, expectAccessible, test } from "./harness/test";

test("what one writes the other reads: ticks, typing, replies, edits, deletions, and a reload", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await bob.goto("/");
  const adas = await ada.openChat(chat);
  await adas.say("Are you there?");
  await adas.progress("Are you there?", "Delivered");
  const row = bob.page.getByRole("link", { name: /Ada/ }).filter({ hasText: "Are you there?" });
  await expect(row).toContainText("1 unread message");

  await row.click();
  const bobs = await bob.openChat(chat);
  await expect(bobs.message("Are you there?")).toBeVisible();
  await adas.progress("Are you there?", "Read");

  await expect(async () => {
    await bobs.field.pressSequentially("Ye");
    await expect(ada.page.getByText("typing").first()).toBeVisible({ timeout: 2_000 });
  }).toPass();
  await bobs.say("Yes!");
  await expect(adas.message("Yes!")).toBeVisible();

  await adas.choose("Yes!", "Reply");
  await adas.say("Good.");
  await expect(bobs.message("Good.")).toContainText("Yes!");

  await bobs.choose(/^(?!.*Good).*Yes!/s, "Edit");
  await bobs.field.fill("Yes, always!");
  await bobs.field.press("Enter");
  await expect(adas.message("Yes, always!").first()).toContainText("edited");

  await adas.choose("Are you there?", "Delete for everyone");
  await ada.page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(bobs.message("This message was deleted")).toBeVisible();
  await expect(bob.page.getByText("Are you there?")).toHaveCount(0);

  for (const talk of [adas, bobs]) {
    await talk.page.reload();
    await expect(talk.messages).toHaveCount(3);
    await expect(talk.message("Good.")).toBeVisible();
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`the list and a conversation are accessible (${colorScheme})`, async ({ person }) => {
    const [ada, bob] = await Promise.all([
      person("Ada", { colorScheme }),
      person("Bob", { signedIn: false }),
    ]);
    const chat = await ada.directChat(bob);
    await bob.send(chat, "Look at https://example.org, please.");
    const talk = await ada.openChat(chat);
    await talk.say("I have.");
    await talk.progress("I have.", "Sent");
    await expectAccessible(ada.page);
  });
}

test("a group: everybody gets everything, and who has read it is told", async ({ person }) => {
  const [ada, bob, eve] = await Promise.all([person("Ada"), person("Bob"), person("Eve")]);
  const chat = await ada.group("Crew", bob, eve);
  const [adas, bobs, eves] = await Promise.all([ada.openChat(chat), bob.openChat(chat), eve.openChat(chat)]);
  await adas.say("Ahoy");
  await expect(bobs.message("Ahoy")).toBeVisible();
  await expect(eves.message("Ahoy")).toContainText("Ada");
  await adas.progress("Ahoy", "Read");
  await bobs.say("Aye");
  await expect(eves.message("Aye")).toContainText("Bob");
});

test("in a channel its owner posts, and others read", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.channel("News", bob);
  const [adas, bobs] = await Promise.all([ada.openChat(chat), bob.openChat(chat)]);
  await adas.say("Fog until noon");
  await expect(bobs.message("Fog until noon")).toBeVisible();
  await expect(bobs.field).toHaveCount(0);
});
