/** Keys that do something wherever one is. Components that can do it register them; one listener finds who is meant. */
import { useEffect, useRef } from "react";
import { createStore } from "zustand/vanilla";

export type ShortcutGroup = "app" | "list" | "chat";

export interface Shortcut {
  /** `mod+k`, `alt+ArrowUp`, `?`: `mod` is the command key on Apple's computers and Ctrl elsewhere. */
  keys: string;
  /** What it does, in words, for the list of shortcuts. */
  description: string;
  group: ShortcutGroup;
  run: (event: KeyboardEvent) => void;
}

export const shortcuts = createStore<{ registered: readonly Shortcut[] }>(() => ({ registered: [] }));

const SINGLE_KEYS = "single-key-shortcuts";

/** Shortcuts of one character without Ctrl or Alt can be turned off: speech input and slipping fingers press them by chance. */
export const singleKeys = createStore<{ on: boolean }>(() => ({
  on: localStorage.getItem(SINGLE_KEYS) !== "off",
}));

export function setSingleKeys(on: boolean): void {
  localStorage.setItem(SINGLE_KEYS, on ? "on" : "off");
  singleKeys.setState({ on });
}

export function isApple(platform: string = navigator.platform): boolean {
  return /mac|iphone|ipad/i.test(platform);
}

interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** Whether these keys are the ones pressed. A letter is also known by its place: with Alt held, Apple's keyboards make another one of it. */
export function matches(keys: string, pressed: Pressed, apple: boolean): boolean {
  const parts = keys.split("+");
  const key = parts.at(-1) ?? "";
  const wants = (name: string) => parts.slice(0, -1).includes(name);
  if (pressed.altKey !== wants("alt")) return false;
  if (pressed.metaKey !== (apple && wants("mod"))) return false;
  if (pressed.ctrlKey !== (wants("ctrl") || (!apple && wants("mod")))) return false;
  const letter = /^[a-z]$/.test(key);
  // Of a sign like `?`, the layout decides whether it needs Shift.
  if ((letter || key.length > 1) && pressed.shiftKey !== wants("shift")) return false;
  if (pressed.key.toLowerCase() === key.toLowerCase()) return true;
  return letter && pressed.code === `Key${key.toUpperCase()}`;
}

function isSingle(keys: string): boolean {
  return !/^(mod|ctrl|alt)\+|\+(mod|ctrl|alt)\+/.test(keys) && (keys.split("+").at(-1) ?? "").length === 1;
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
  );
}

/** Finds who is meant by a key, the last registered first. Nobody in a dialog or a menu; no single key in a field. */
export function dispatchShortcut(event: KeyboardEvent, apple = isApple()): void {
  if (event.defaultPrevented || event.isComposing) return;
  if (document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]') !== null) return;
  const found = shortcuts.getState().registered.findLast(({ keys }) => {
    if (!matches(keys, event, apple)) return false;
    return !isSingle(keys) || (singleKeys.getState().on && !isField(event.target));
  });
  if (found === undefined) return;
  event.preventDefault();
  found.run(event);
}

/** Registers a shortcut for as long as the component is there and `enabled`. */
export function useShortcut(
  keys: string,
  description: string,
  run: (event: KeyboardEvent) => void,
  { group = "app", enabled = true }: { group?: ShortcutGroup; enabled?: boolean } = {},
): void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    if (!enabled) return undefined;
    const shortcut: Shortcut = { keys, description, group, run: (event) => latest.current(event) };
    shortcuts.setState((state) => ({ registered: [...state.registered, shortcut] }));
    return () =>
      shortcuts.setState((state) => ({ registered: state.registered.filter((other) => other !== shortcut) }));
  }, [keys, description, group, enabled]);
}

/** `mod+k` as it stands on the keys. */
export function keyNames(keys: string, apple = isApple()): string[] {
  const names: Record<string, string> = {
    mod: apple ? "⌘" : "Ctrl",
    ctrl: "Ctrl",
    alt: apple ? "⌥" : "Alt",
    shift: apple ? "⇧" : "Shift",
    ArrowUp: "↑",
    ArrowDown: "↓",
    Escape: "Esc",
    Enter: "↵",
  };
  return keys.split("+").map((key) => names[key] ?? (key.length === 1 ? key.toUpperCase() : key));
}
