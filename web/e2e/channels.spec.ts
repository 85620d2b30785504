/** Members and their roles, invite links. */
import { expect, expectAccessible, test } from "./harness/test";

test("a group is made, others come in by a link, become admins and are removed", async ({
  person,
  trouble,
}) => {
  const [ada, bob, eve] = await Promise.all([person("Ada"), person("Bob"), person("Eve")]);
  await ada.directChat(bob);
  await ada.goto("/new/group");
  const field = ada.page.getByRole("combobox", { name: "Name or phone number" });
  await field.fill("bob");
  await expect(ada.page.getByRole("option", { name: /Bob/ })).toBeVisible();
  await field.press("Enter");
  await ada.page.getByRole("button", { name: "Next" }).click();
  await ada.page.getByRole("textbox", { name: "Name of the group" }).fill("<b>Trip</b>");
  await ada.page.getByRole("button", { name: "Create the group" }).click();
  await expect(ada.page).toHaveURL(/\/chats\/[^/]+$/);
  await ada.page.goto(`${ada.page.url()}/info`);
  const info = ada.page.getByRole("complementary");
  await expect(info.getByRole("heading", { name: "<b>Trip</b>" })).toBeVisible();
  await expectAccessible(ada.page);

  await ada.page.getByRole("button", { name: "Invite", exact: true }).click();
  await ada.page.getByRole("button", { name: "Make a link" }).click();
  const link = ada.page.getByText(/\/invite\//);
  await expect(link).toBeVisible();
  const token = (await link.textContent())?.split("/invite/")[1] ?? "";
  await expectAccessible(ada.page);

  await eve.goto(`/invite/${token}`);
  await expect(eve.page.getByRole("heading", { name: "<b>Trip</b>" })).toBeVisible();
  await expectAccessible(eve.page);
  await eve.page.getByRole("button", { name: "Join the group" }).click();
  await expect(eve.page).toHaveURL(/\/chats\/[^/]+$/);
  await eve.goto(`/invite/${token}`);
  await expect(eve.page.getByText("You are in this group already.")).toBeVisible();
  await eve.page.getByRole("button", { name: "Open chat" }).click();
  await expect(eve.page).toHaveURL(/\/chats\/[^/]+$/);

  await ada.page.reload();
  await ada.page.getByRole("button", { name: "What to do with Eve" }).click();
  await ada.page.getByRole("menuitem", { name: "Make admin" }).click();
  await eve.page.goto(`${eve.page.url()}/info`);
  await expect(eve.page.getByRole("button", { name: "Change the name" })).toBeVisible();

  await ada.page.getByRole("button", { name: "What to do with Eve" }).click();
  await ada.page.getByRole("menuitem", { name: "Remove" }).click();
  await ada.page.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
  await expect(info.getByText("Eve", { exact: true })).toBeHidden();
  trouble.allow(/status of 403/);
  await eve.goto(`/invite/${token}`);
  await eve.page.getByRole("button", { name: "Join the group" }).click();
  await expect(eve.page.getByText("This link does not let you in")).toBeVisible();
});

test("a link that is no link says so; whoever has to sign in first comes back to it", async ({
  person,
  stranger,
  trouble,
}) => {
  trouble.allow(/status of 404/);
  const ada = await person("Ada");
  await ada.goto("/invite/no.such");
  await expect(ada.page.getByText("This link does not work")).toBeVisible();
  const page = await (await stranger()).newPage();
  await page.goto("/invite/some.token");
  await expect(page).toHaveURL(/\/signin\?next=%2Finvite%2Fsome\.token/);
});
