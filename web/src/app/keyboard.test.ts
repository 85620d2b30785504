import { expect, test, vi } from "vitest";
import { covered, keepAboveKeyboard } from "./keyboard";

test.each([
  ["the whole page is seen", 740, 740, 1, 0],
  ["a keyboard lies over it", 740, 420, 1, 320],
  ["a bar of the browser lies over it", 740, 690, 1, 0],
  ["somebody has zoomed in", 740, 370, 2, 0],
])("%s", (_, innerHeight, seen, scale, height) => {
  expect(covered(innerHeight, seen, scale)).toBe(height);
});

test("the page ends above the keyboard, and has its height again when that has gone", () => {
  const view = Object.assign(new EventTarget(), { height: 740, scale: 1 });
  const screen = { innerHeight: 740, visualViewport: view, scrollTo: vi.fn() };
  const root = document.createElement("div");
  keepAboveKeyboard(screen, root);
  const resize = (height: number) => {
    view.height = height;
    view.dispatchEvent(new Event("resize"));
    return root.style.getPropertyValue("--keyboard");
  };
  expect(resize(420)).toBe("320px");
  expect(screen.scrollTo).toHaveBeenCalledWith(0, 0);
  expect(resize(740)).toBe("0px");
  expect(screen.scrollTo).toHaveBeenCalledTimes(1);
});
