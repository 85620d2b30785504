/** Staying in; the frame of the page, and its settings. */
import { expect, expectAccessible, PASSWORD, test } from "./harness/test";

/** What a browser writes about a socket whose session has ended. */
const REFUSED = [/status of 40[13]/, /WebSocket connection to .* failed/];

test("a session that is ended from elsewhere leads to sign-in and back, and what was being written is there", async ({
  person,
  trouble,
}) => {
  trouble.allow(...REFUSED);
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  const chat = await ada.directChat(bob);
  await ada.openChat(chat);
  const composer = ada.page.getByRole("textbox", { name: "Write a message" });
  await composer.fill("half a thought");
  await ada.api("DELETE", `/devices/${ada.session.device_id}`);
  await expect(ada.page.getByText(/Your session has ended/)).toBeVisible();
  await expect(ada.page).toHaveURL(`/signin?next=${encodeURIComponent(`/chats/${chat.id}`)}`);
  await ada.page.getByLabel("Phone number").fill(ada.phone);
  await ada.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await ada.page.getByRole("button", { name: "Sign in" }).click();
  await expect(ada.page).toHaveURL(`/chats/${chat.id}`);
  await expect(composer).toHaveValue("half a thought");
});

test("the page is honest about the connection, and quiet when it is there", async ({ person, trouble }) => {
  trouble.allowLostConnections();
  const ada = await person("Ada", { ownLine: true });
  await ada.goto("/");
  await expect(ada.page.getByRole("heading", { name: "Pick up a conversation" })).toBeVisible();
  const banner = ada.page.locator("span", { hasText: /No network|Not connected|Connecting|Catching up/ });
  await expect(banner).toBeHidden();
  await ada.loseNetwork();
  await expect(banner).toHaveText(/No network/);
  await ada.regainNetwork();
  await expect(banner).toBeHidden();
});

test("another device is signed out from the list", async ({ person, stranger, trouble }) => {
  trouble.allow(...REFUSED);
  const ada = await person("Ada");
  const second = await (await stranger()).newPage();
  await second.goto("/signin");
  await second.getByLabel("Phone number").fill(ada.phone);
  await second.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await second.getByRole("button", { name: "Sign in" }).click();
  await expect(second.getByRole("navigation", { name: "Main" })).toBeVisible();
  await ada.goto("/settings/devices");
  await ada.page.getByRole("button", { name: /^Sign out Chrome/ }).click();
  await ada.page.getByRole("alertdialog").getByRole("button", { name: "Sign out" }).click();
  await expect(second.getByText(/Your session has ended/)).toBeVisible();
});

test("keys lead through the page, and a question mark lists them", async ({ person }) => {
  const ada = await person("Ada");
  await ada.goto("/");
  await expect(ada.page.getByRole("heading", { name: "Pick up a conversation" })).toBeVisible();
  await ada.page.keyboard.press("Tab");
  await expect(ada.page.getByRole("link", { name: "Skip to the conversation" })).toBeFocused();
  await ada.page.keyboard.press("Alt+Shift+KeyP");
  await expect(ada.page).toHaveURL("/settings");
  await ada.page.keyboard.press("?");
  const dialog = ada.page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(dialog).toContainText("New chat");
  await expectAccessible(ada.page);
  await ada.page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
});

const PAGES = [
  "profile",
  "privacy",
  "notifications",
  "appearance",
  "devices",
  "shortcuts",
  "storage",
  "account",
];

for (const [name, options] of [
  ["on a laptop", {}],
  ["on a phone in the dark", { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true }],
  ["from right to left", { locale: "ar-EG" }],
] as const) {
  test(`everybody can use the settings: ${name}`, async ({ person, trouble }) => {
    trouble.allow(/status of 404 .*\/users\/me\/export/); // none was asked for
    const ada = await person("Ada", options);
    await ada.goto("/settings");
    await expect(ada.page.locator('a[href="/settings/profile"]:visible').first()).toBeVisible();
    await expect(ada.page.getByRole("heading", { level: 1 }).first()).toBeVisible(); // beside the list, loaded after it
    await expectAccessible(ada.page);
    for (const page of PAGES) {
      await ada.goto(`/settings/${page}`);
      await expect(ada.page.locator("[data-section]").first()).toBeVisible();
      await expectAccessible(ada.page);
      const overflow = await ada.page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      expect(overflow, `${page} is wider than the screen`).toBeLessThanOrEqual(0);
    }
  });
}

test("theme and language are changed at once, and kept", async ({ person }) => {
  const ada = await person("Ada");
  await ada.goto("/settings/appearance");
  await ada.page.getByRole("radio", { name: "Dark" }).click({ force: true });
  await expect(ada.page.locator("html")).toHaveAttribute("data-theme", "dark");
  await ada.page.getByRole("radio", { name: "العربية" }).click({ force: true });
  await expect(ada.page.locator("html")).toHaveAttribute("dir", "rtl");
  await expect(ada.page.getByRole("heading", { name: "المظهر" })).toBeVisible();
  await ada.page.reload();
  await expect(ada.page.locator("html")).toHaveAttribute("lang", "ar");
  await expect(ada.page.locator("html")).toHaveAttribute("data-theme", "dark");
});
