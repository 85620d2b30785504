/** The service worker: opening without a network, what a push shows, and the way of a push from a node to the screen. */
import type { BrowserContext, CDPSession, Locator, Page } from "@playwright/test";
import { PushService } from "./harness/pushService";
import { expect, PASSWORD, Person, test } from "./harness/test";

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
  await ada.page.evaluate(async () => void (await navigator.serviceWorker.ready));
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
  await clearTray(ada.page);
  await push({ ...said, seq: 4, count: 4 });
  await push({ type: "message", chat_id: "another", seq: 1, count: 1 });
  await expect.poll(() => shown(ada.page)).toEqual([["In one of your chats", "1 new message"]]);
});

test("whoever has notifications turned on is pushed what they miss, encrypted; a press on it opens the chat; turned off, or signed out, the server forgets the browser", async ({
  person,
  browser,
  trouble,
}) => {
  const [ada, bob] = await Promise.all([
    person("Ada", { permissions: ["notifications"] }),
    person("Bob", { signedIn: false }),
  ]);
  const service = await PushService.start();
  await service.serve(ada.context);
  const chat = await ada.directChat(bob);
  const { key } = await ada.api<{ key: string }>("GET", "/push/key");
  const off = { endpoint: service.endpoint };

  await ada.goto("/");
  await expect(ada.page.getByRole("list", { name: "Chats" })).toContainText("Bob");
  await ada.page.getByRole("link", { name: "Settings" }).click();
  await ada.page.getByRole("link", { name: /^Notifications/ }).click();
  const notify = ada.page.getByRole("switch", { name: "Notifications" });
  await turn(notify, "POST", 201);
  await expect(notify).toBeChecked();
  expect(service.key?.toString("base64url")).toBe(key);

  // What comes while no page is open; by then the device knows what the chat is called.
  const blank = await ada.context.newPage();
  const push = await pusher(blank, ada.url);
  await expect
    .poll(async () => {
      await push({ type: "message", chat_id: chat.id, seq: 0, count: 1 });
      return shown(ada.page);
    })
    .toEqual([["Bob", "1 new message"]]);
  await clearTray(ada.page);
  await ada.page.close();
  await expect
    .poll(async () => (await bob.api<{ online: boolean }>("GET", `/users/${ada.id}`)).online)
    .toBe(false);
  // A chat that was made while no page was open: only the server can say what it is called.
  const choir = await bob.group("Choir", ada);
  await push({ type: "message", chat_id: choir.id, seq: 1, count: 1 });
  await expect.poll(() => takenFromTray(ada.context)).toEqual([["Choir", "1 new message"]]);

  const { seq } = await bob.send(chat, "Are you coming?");
  await expect
    .poll(() => service.pushed)
    .toEqual([expect.objectContaining({ chat_id: chat.id, seq, count: 1 })]);
  await push(service.pushed[0]);

  await blank.goto(`${ada.url}/settings/notifications`);
  await expect.poll(() => shown(blank)).toEqual([["Bob", "1 new message"]]);
  await press(ada.context);
  await expect(blank).toHaveURL(`${ada.url}/chats/${chat.id}`);
  await expect(blank.getByRole("main").getByText("Are you coming?")).toBeVisible();
  expect(await shown(blank)).toEqual([]);

  await blank.goto(`${ada.url}/settings/notifications`);
  const again = blank.getByRole("switch", { name: "Notifications" });
  await turn(again, "DELETE", 204);
  await expect(again).not.toBeChecked();
  expect(service.key).toBeNull();
  await expect(ada.api("DELETE", "/push/subscriptions", off)).rejects.toThrow("answered 404");

  await turn(again, "POST", 201);
  await blank.goto(`${ada.url}/settings/devices`);
  await blank.getByRole("button", { name: "Sign out" }).click();
  trouble.allow(/status of 40[13]/, /WebSocket connection to .* failed/);
  await blank.getByRole("alertdialog").getByRole("button", { name: "Sign out" }).click();
  await expect(blank).toHaveURL(/\/signin/);
  await expect.poll(() => service.key).toBeNull();
  const anew = await Person.signIn(
    browser,
    trouble,
    { phone: ada.phone, password: PASSWORD },
    { signedIn: false },
  );
  await expect(anew.api("DELETE", "/push/subscriptions", off)).rejects.toThrow("answered 404");
  await anew.leave();
  await service.stop();
});

/** Turns a switch, and waits for what the server says to it. */
async function turn(control: Locator, method: string, status: number): Promise<void> {
  const told = control
    .page()
    .waitForResponse(
      (answer) => answer.url().endsWith("/push/subscriptions") && answer.request().method() === method,
    );
  await control.click({ force: true });
  expect((await told).status()).toBe(status);
}

/**
 * Presses the one notification that is there. Nothing but a person can press one in the system's tray: the worker is given the event that comes of it,
 * and the right to bring its page to the front that comes with it.
 */
async function press(context: BrowserContext): Promise<void> {
  await expect.poll(() => context.serviceWorkers().length).toBe(1);
  await context.serviceWorkers()[0]?.evaluate(async () => {
    const scope = globalThis as unknown as ServiceWorkerGlobalScope;
    const [notification] = await scope.registration.getNotifications();
    if (notification === undefined) throw new Error("there is no notification");
    WindowClient.prototype.focus = async function () {
      return this;
    };
    const event = new NotificationEvent("notificationclick", { notification });
    let done: Promise<unknown> = Promise.resolve();
    event.waitUntil = (until) => {
      done = Promise.resolve(until);
    };
    scope.dispatchEvent(event);
    await done;
  });
}

/** What lies in the system's tray. */
function shown(page: Page): Promise<[string, string][]> {
  return page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return (await registration.getNotifications()).map(({ title, body }): [string, string] => [title, body]);
  });
}

/** The same when no page is open: the worker itself is asked, and takes what it finds away. */
async function takenFromTray(context: BrowserContext): Promise<[string, string][]> {
  const taken = await context.serviceWorkers()[0]?.evaluate(async () => {
    const scope = globalThis as unknown as ServiceWorkerGlobalScope;
    return (await scope.registration.getNotifications()).map((one): [string, string] => {
      one.close();
      return [one.title, one.body];
    });
  });
  return taken ?? [];
}

function clearTray(page: Page): Promise<void> {
  return page.evaluate(async () => {
    for (const one of await (await navigator.serviceWorker.ready).getNotifications()) one.close();
  });
}

/** Delivers pushes to the service worker of an origin, as the browser does with what comes from its push service. `page`: any of that browser. */
async function pusher(page: Page, origin: string): Promise<(said: unknown) => Promise<void>> {
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
