/** How the page looks on this browser: theme and size of the text. The same in all its tabs, kept over visits. */
import { createStore } from "zustand/vanilla";

export const THEMES = ["auto", "light", "dark"] as const;
export const TEXT_SIZES = ["s", "m", "l", "xl"] as const;

export interface Appearance {
  theme: (typeof THEMES)[number];
  textSize: (typeof TEXT_SIZES)[number];
}

const STORED = "appearance";
const PLAIN: Appearance = { theme: "auto", textSize: "m" };

function stored(): Appearance {
  let kept: Partial<Appearance> | null;
  try {
    kept = JSON.parse(localStorage.getItem(STORED) ?? "null") as Partial<Appearance> | null;
  } catch {
    kept = null;
  }
  return {
    theme: THEMES.find((theme) => theme === kept?.theme) ?? PLAIN.theme,
    textSize: TEXT_SIZES.find((size) => size === kept?.textSize) ?? PLAIN.textSize,
  };
}

export const appearance = createStore<Appearance>(stored);

export function setAppearance(changed: Partial<Appearance>): void {
  appearance.setState(changed);
  localStorage.setItem(STORED, JSON.stringify(appearance.getState()));
}

/** Has the page look as it was chosen, now and whenever that changes, here or in another tab. */
export function applyAppearance(root: HTMLElement = document.documentElement): void {
  const apply = ({ theme, textSize }: Appearance) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    root.dataset.textSize = textSize;
  };
  apply(appearance.getState());
  appearance.subscribe(apply);
  window.addEventListener("storage", (event) => {
    if (event.key === STORED || event.key === null) appearance.setState(stored());
  });
}
