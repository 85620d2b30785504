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
