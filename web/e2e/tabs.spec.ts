/** Several tabs of one browser are one device. */
import { expect, Talk, test } from "./harness/test";

test("tabs show the same, share one connection, and survive each other", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  const bobs = await bob.openChat(chat);
  const first = await ada.openChat(chat);
  const second = new Talk(await ada.context.newPage());
  await second.page.goto(`${ada.url}/chats/${chat.id}`);
  const third = new Talk(await ada.context.newPage());
  await third.page.goto(`${ada.url}/chats/${chat.id}`);

  await second.say("from the second");
  for (const talk of [first, second, third, bobs]) {
    await expect(talk.message("from the second")).toHaveCount(1);
  }
  await bobs.say("to all of them");
  for (const talk of [first, second, third]) await expect(talk.message("to all of them")).toHaveCount(1);

  const online = async () => (await bob.api<{ online: boolean }>("GET", `/users/${ada.id}`)).online;
  expect(await online()).toBe(true);
  await first.page.close();
  await third.say("without the first");
  await expect(bobs.message("without the first")).toHaveCount(1);
  await bobs.say("still there?");
  for (const talk of [second, third]) await expect(talk.message("still there?")).toHaveCount(1);
  expect(await online()).toBe(true);
});

test("signing out in one tab ends the others", async ({ person, trouble }) => {
  trouble.allow(/status of 40[13]/, /WebSocket connection .* 403/);
  const ada = await person("Ada");
  await ada.goto("/settings/devices");
  const other = await ada.context.newPage();
  await other.goto("/");
  await expect(other.getByRole("navigation", { name: "Main" })).toBeVisible();
  await ada.page.getByRole("button", { name: "Sign out" }).click();
  await ada.page
    .getByRole("dialog")
    .or(ada.page.getByRole("alertdialog"))
    .getByRole("button", { name: "Sign out" })
    .click();
  await expect(ada.page).toHaveURL(/\/signin/);
  await expect(other).toHaveURL(/\/signin/);
  await other.goto("/");
  await expect(other).toHaveURL(/\/signin/);
});
