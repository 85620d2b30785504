/** Stories between people who know each other. */

import { expect, test } from "./harness/test";

test("stories go on by themselves, are held by the space bar, and end with the last", async ({ person }) => {
  const [ada, bob] = await Promise.all([person("Ada"), person("Bob")]);
  await ada.directChat(bob);
  for (const text of ["First", "Second"])
    await ada.api("POST", "/stories", { type: "text", content: { text } });
  await bob.goto("/stories");
  await bob.page.getByRole("link", { name: /^Ada 2 new/ }).click();
  const viewer = bob.page.getByRole("dialog", { name: "Stories" });
  await expect(viewer.getByText("First", { exact: true })).toBeVisible();
  await bob.page.keyboard.press("ArrowRight");
  await expect(viewer.getByText("Second", { exact: true })).toBeVisible();
  await bob.page.keyboard.press("ArrowLeft");
  await expect(viewer.getByText("First", { exact: true })).toBeVisible();
  await expect(viewer.getByText("Second", { exact: true })).toBeVisible();
  await expect(viewer).toBeHidden();
  await expect(bob.page).toHaveURL(/\/stories$/);
});

test("a story for chosen people is seen by them alone; who has seen it is told; when it is deleted, it is gone from before them", async ({
  person,
}) => {
  const [ada, bob, cy] = await Promise.all([person("Ada"), person("Bob"), person("Cy")]);
  await Promise.all([ada.directChat(bob), ada.directChat(cy)]);
  // It takes long to read: the longer it stays before it is paused.
  const words = `For Bob: ${"and so on ".repeat(60)}`.trim();
  await Promise.all([ada.goto("/stories"), cy.goto("/stories")]);
  await ada.page.getByRole("button", { name: "Add a story" }).click();
  const composer = ada.page.getByRole("dialog", { name: "New story" });
  await composer.getByRole("textbox", { name: "Write something" }).fill(words);
  await composer.getByText("Only people you choose").click();
  await expect(composer.getByRole("button", { name: "Post" })).toBeDisabled();
  await composer.getByRole("checkbox", { name: "Bob" }).check();
  await composer.getByRole("button", { name: "Post" }).click();
  await expect(ada.page.getByText("Your story is there for 24 hours")).toBeVisible();

  // While the list is open, it stays.
  await ada.page.getByRole("link", { name: /^Your story/ }).click();
  const own = ada.page.getByRole("dialog", { name: "Stories" });
  await own.getByRole("button", { name: "Seen by nobody yet" }).click();
  const viewers = own.getByRole("region", { name: "Seen by" });
  await expect(viewers).toContainText("Nobody has seen it yet.");

  await bob.goto("/stories");
  await bob.page.getByRole("link", { name: /^Ada 1 new/ }).click();
  const shown = bob.page.getByRole("dialog", { name: "Stories" });
  await shown.getByRole("button", { name: "Pause" }).click();
  await expect(shown.getByText(words)).toBeVisible();
  await expect(viewers.getByRole("listitem")).toHaveText([/Bob/]);
  await expect(own.getByRole("button", { name: "Seen by 1 person" })).toBeVisible();

  await expect(cy.page.getByText("No stories yet")).toBeVisible();
  await cy.page.reload();
  await expect(cy.page.getByText("No stories yet")).toBeVisible();
  await cy.goto(`/stories/${ada.id}`);
  await expect(cy.page.getByText("This story is no longer there")).toBeVisible();

  await own.getByRole("button", { name: "Delete this story" }).click();
  await ada.page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await expect(own).toBeHidden();
  await expect(shown).toBeHidden();
  await expect(bob.page.getByText("No stories yet")).toBeVisible();
});
