import { fireEvent, screen } from "@testing-library/react";
import { beforeAll, expect, test } from "vitest";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";
import { AppShortcuts } from "./AppShortcuts";

beforeAll(() => useLanguage("en"));

test("keys lead from one section to another", () => {
  const { history } = renderPage(<AppShortcuts />);
  fireEvent.keyDown(document.body, { key: "P", code: "KeyP", altKey: true, shiftKey: true });
  expect(history.at(-1)).toBe("/settings");
});

test("a question mark lists the keys that do something now", async () => {
  renderPage(<AppShortcuts />);
  fireEvent.keyDown(document.body, { key: "?", shiftKey: true });
  const dialog = await screen.findByRole("dialog", { name: "Keyboard shortcuts" });
  expect(dialog.textContent).toContain("New chat");
});
