/** A trial on a local network, without TLS: there, browsers keep back locks, service workers, positions and microphones. */
import { expect, newPhone, PASSWORD, stack, Talk, test } from "./harness/test";

const NAME = "chat.test";

test.use({
  launchOptions: [
    async ({ launchOptions }, use) => {
      const args = [...(launchOptions.args ?? []), `--host-resolver-rules=MAP ${NAME} 127.0.0.1`];
      await use({ ...launchOptions, args });
    },
    { scope: "worker" },
  ],
});

test("two tabs of a machine that is called by its name: messages go to and fro", async ({
  person,
  stranger,
  trouble,
}) => {
  trouble.allow(/Cross-Origin-Opener-Policy header has been ignored/);
  const bob = await person("Bob");
  const context = await stranger({ baseURL: `http://${NAME}:${stack().port}` });
  const page = await context.newPage();
  await page.goto("/signup");
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  const phone = newPhone();
  await page.getByLabel("Your name").fill("Nora");
  await page.getByLabel("Phone number").fill(phone);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create an account" }).click();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();

  const nora = (await bob.api<{ id: string }>("GET", `/users?phone=${encodeURIComponent(phone)}`)).id;
  const chat = await bob.api<{ id: string }>("POST", "/chats", { type: "direct", user_id: nora });
  await bob.goto(`/chats/${chat.id}`);
  await page.goto(`/chats/${chat.id}`);
  const other = await context.newPage();
  await other.goto(`/chats/${chat.id}`);
  const [bobs, first, second] = [new Talk(bob.page), new Talk(page), new Talk(other)];
  const everywhere = [bobs, first, second];
  for (const [who, text] of [
    [first, "from the one"],
    [second, "from the other"],
    [bobs, "from Bob"],
  ] as const) {
    await who.say(text);
    for (const talk of everywhere) await expect(talk.message(text)).toBeVisible();
  }
  for (const talk of everywhere)
    expect(await talk.shown(/from (the one|the other|Bob)/)).toEqual([
      "from the one",
      "from the other",
      "from Bob",
    ]);

  await page.goto("/settings/storage");
  await page.reload();
  await page.goto(`/chats/${chat.id}`);
  await expect(first.message("from Bob")).toBeVisible();
});
