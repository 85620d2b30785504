import { fireEvent, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { dispatchShortcut, keyNames, matches, setSingleKeys, shortcuts, useShortcut } from "./shortcuts";

const key = (init: KeyboardEventInit) => new KeyboardEvent("keydown", init);

describe("keys", () => {
  test.each<[string, KeyboardEventInit, boolean, boolean]>([
    ["mod+k", { key: "k", ctrlKey: true }, false, true],
    ["mod+k", { key: "k", metaKey: true }, true, true],
    ["mod+k", { key: "k", ctrlKey: true }, true, false],
    ["mod+k", { key: "k" }, false, false],
    ["mod+k", { key: "K", ctrlKey: true, shiftKey: true }, false, false],
    ["?", { key: "?", shiftKey: true }, false, true],
    ["?", { key: "?", shiftKey: true, ctrlKey: true }, false, false],
    ["mod+/", { key: "/", ctrlKey: true }, false, true],
    ["mod+/", { key: "/", ctrlKey: true, shiftKey: true }, false, true],
    ["alt+ArrowUp", { key: "ArrowUp", altKey: true }, false, true],
    ["alt+ArrowUp", { key: "ArrowUp" }, false, false],
    ["alt+shift+c", { key: "Ç", code: "KeyC", altKey: true, shiftKey: true }, true, true],
    ["Escape", { key: "Escape" }, false, true],
  ])("%s and %j (Apple: %s): %s", (keys, init, apple, expected) => {
    expect(matches(keys, key(init), apple)).toBe(expected);
  });

  test("stand as they are on the keys", () => {
    expect(keyNames("mod+k", false)).toEqual(["Ctrl", "K"]);
    expect(keyNames("mod+alt+ArrowUp", true)).toEqual(["⌘", "⌥", "↑"]);
  });
});

describe("a shortcut", () => {
  const run = vi.fn();
  const listener = (event: KeyboardEvent) => dispatchShortcut(event, false);

  beforeEach(() => {
    run.mockReset();
    setSingleKeys(true);
    document.addEventListener("keydown", listener);
  });
  afterEach(() => {
    document.removeEventListener("keydown", listener);
    document.body.innerHTML = "";
  });

  test("is there as long as its component, and the last one registered wins", () => {
    const first = vi.fn();
    const { unmount: end } = renderHook(() => useShortcut("mod+k", "first", first));
    const { unmount } = renderHook(() => useShortcut("mod+k", "second", run));
    fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
    unmount();
    fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
    expect([run.mock.calls.length, first.mock.calls.length]).toEqual([1, 1]);
    end();
    expect(shortcuts.getState().registered).toEqual([]);
  });

  test("of one key does nothing in a field, nor when such are turned off", () => {
    renderHook(() => useShortcut("?", "help", run));
    const field = document.body.appendChild(document.createElement("input"));
    fireEvent.keyDown(field, { key: "?" });
    setSingleKeys(false);
    fireEvent.keyDown(document.body, { key: "?" });
    expect(run).not.toHaveBeenCalled();
    setSingleKeys(true);
    fireEvent.keyDown(document.body, { key: "?" });
    expect(run).toHaveBeenCalledOnce();
  });

  test("with Ctrl goes from a field as well, but not out of a dialog", () => {
    renderHook(() => useShortcut("mod+k", "search", run));
    const field = document.body.appendChild(document.createElement("input"));
    fireEvent.keyDown(field, { key: "k", ctrlKey: true });
    expect(run).toHaveBeenCalledOnce();
    const dialog = document.body.appendChild(document.createElement("div"));
    dialog.setAttribute("role", "dialog");
    fireEvent.keyDown(field, { key: "k", ctrlKey: true });
    expect(run).toHaveBeenCalledOnce();
  });
});
