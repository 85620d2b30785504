/** Coming in and going out. */
import { expect, expectAccessible, newPhone, PASSWORD, test } from "./harness/test";

test("somebody makes an account, goes out, and comes in again", async ({ stranger, trouble }) => {
  // What a browser writes about a wrong password, and about a socket whose session has ended.
  trouble.allow(/status of 40[13]/, /WebSocket connection to .* failed/);
  const page = await (await stranger()).newPage();
  const phone = newPhone();
  await page.goto("/");
  await expect(page).toHaveURL(/\/signin$/);
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByRole("button", { name: "Create an account" }).click();
  await expect(page.getByRole("textbox", { name: "Your name" })).toHaveAccessibleDescription(
    /Enter your name/,
  );
  await expectAccessible(page);
  await page.getByLabel("Your name").fill("Nora Lind");
  await page.getByLabel("Phone number").fill(phone);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password", { exact: true }).press("Enter");
  await expect(page.getByRole("heading", { name: "Pick up a conversation" })).toBeVisible();
  await expect(page).toHaveURL("/");

  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("link", { name: /^Devices/ }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/signin/);
  await expect(page.getByText("Your session has ended")).toBeHidden();

  await page.getByLabel("Phone number").fill(phone);
  await page.getByLabel("Password", { exact: true }).fill("not the one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("The phone number or the password is wrong.")).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("Password", { exact: true }).press("Enter");
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
});

test("a wrong password, a number that is taken, and a server that is away are told in words", async ({
  stranger,
  person,
  trouble,
}) => {
  trouble.allow(/status of 4(01|09|22)/);
  const ada = await person("Ada", { signedIn: false });
  const context = await stranger();
  const page = await context.newPage();
  await page.goto("/signin");
  await page.getByLabel("Phone number").fill(ada.phone);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Phone number")).not.toHaveValue("");

  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("Your name").fill("Eve");
  await page.getByLabel("Phone number").fill(ada.phone);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create an account" }).click();
  await expect(page.getByText("There is an account with this phone number already.")).toBeVisible();

  trouble.allowLostConnections();
  await context.setOffline(true);
  await page.getByRole("link", { name: "Sign in" }).first().click();
  await page.getByLabel("Phone number").fill(ada.phone);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await context.setOffline(false);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
});

test("a local run offers people to try things with", async ({ stranger }) => {
  const context = await stranger();
  const page = await context.newPage();
  await page.goto("/");
  await page.getByRole("button", { name: /Amara Okafor/ }).click();
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`signing in and up are accessible (${colorScheme})`, async ({ stranger }) => {
    const context = await stranger({ colorScheme });
    const page = await context.newPage();
    for (const path of ["/signin", "/signup"]) {
      await page.goto(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await expectAccessible(page);
    }
  });
}

test("after signing in one is where one wanted to go", async ({ person }) => {
  const ada = await person("Ada", { signedIn: false });
  await ada.goto("/settings/privacy");
  await ada.page.getByLabel("Phone number").fill(ada.phone);
  await ada.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await ada.page.getByRole("button", { name: "Sign in" }).click();
  await expect(ada.page).toHaveURL(/\/settings\/privacy$/);
});
