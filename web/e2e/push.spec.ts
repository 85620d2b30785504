/** The service worker: opening without a network, and what a push shows. */
import type { CDPSession, Page } from "@playwright/test";
import { expect, test } from "./harness/test";

test("the app opens without a network, and what was read can be read again", async ({ person, trouble }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await bob.send(chat, "read me on the train");
  await ada.openChat(chat);
  await expect(ada.page.getByRole("main").getByText("read me on the train")).toBeVisible();
  await ada.page.evaluate(async () => void (await navigator.serviceWorker.ready));
  trouble.allowLostConnections();
  await ada.loseNetwork();
  await ada.page.goto(`${ada.url}/chats/${chat.id}`);
  await expect(ada.page.getByRole("main").getByText("read me on the train")).toBeVisible();
});

test("nothing that the API answers, and no file of anybody's, is kept by the service worker", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await ada.openChat(chat);
  await ada.page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await ada.page.reload();
  const kept = await ada.page.evaluate(async () => {
    const paths: string[] = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
    return paths;
  });
  expect(kept).toContain("/index.html");
  expect(
    kept.filter((path) => !/^\/(assets|icons)\/|^\/(index\.html|manifest\.webmanifest)$/.test(path)),
  ).toEqual([]);
});

test("a push shows what this device knows of the chat, once for each chat, and nothing when the chat is on the screen", async ({
  person,
}) => {
  const [ada, bob] = await Promise.all([person("Ada", { permissions: ["notifications"] }), person("Bob")]);
  const chat = await ada.group("Picnic", bob);
  await ada.goto("/");
  await expect(ada.page.getByText("Picnic").first()).toBeVisible();
  const push = await pusher(ada.page, ada.url);

  const said = { type: "message", chat_id: chat.id };
  await expect
    .poll(async () => {
      await push({ ...said, seq: 1, count: 2 });
      return shown(ada.page);
    })
    .toEqual([["Picnic", "2 new messages"]]);
  await push({ ...said, seq: 3, count: 3, from: "Bob", kind: "text", text: "<i>bring</i> salad" });
  await expect.poll(() => shown(ada.page)).toEqual([["Picnic", "Bob: <i>bring</i> salad"]]);
  await push("rubbish");
  await expect.poll(async () => (await shown(ada.page)).length).toBe(2);

  await ada.openChat(chat);
  await expect(ada.page.getByRole("heading", { name: "Picnic" }).first()).toBeVisible();
  await ada.page.evaluate(async () => {
    for (const one of await (await navigator.serviceWorker.ready).getNotifications()) one.close();
  });
  await push({ ...said, seq: 4, count: 4 });
  await push({ type: "message", chat_id: "another", seq: 1, count: 1 });
  await expect.poll(() => shown(ada.page)).toEqual([["Chat", "1 new message"]]);
});

/** What lies in the system's tray. */
function shown(page: Page): Promise<[string, string][]> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map(({ title, body }): [string, string] => [title, body]);
  });
}

/** Delivers pushes to the page's service worker, as the browser does with what comes from its push service. */
async function pusher(page: Page, origin: string): Promise<(said: unknown) => Promise<void>> {
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  const session: CDPSession = await page.context().newCDPSession(page);
  const registrationId = new Promise<string>((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const ours = registrations.find(({ scopeURL }) => scopeURL.startsWith(origin));
      if (ours !== undefined) resolve(ours.registrationId);
    });
  });
  await session.send("ServiceWorker.enable");
  return async (said) => {
    const data = typeof said === "string" ? said : JSON.stringify(said);
    await session.send("ServiceWorker.deliverPushMessage", {
      origin,
      registrationId: await registrationId,
      data,
    });
  };
}
