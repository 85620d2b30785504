/** What somebody has chosen for notifications on this browser. Another device has its own. */
import { createStore } from "zustand/vanilla";

export interface Preferences {
  /** Notifications are wanted here. Whether the browser lets us is another matter. */
  enabled: boolean;
  sound: boolean;
  /** What somebody wrote is shown, not only that they have. */
  preview: boolean;
}

const STORED = "notifications";
const AT_FIRST: Preferences = { enabled: false, sound: true, preview: true };

function stored(): Preferences {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    if (typeof found !== "object" || found === null) return AT_FIRST;
    const flag = (name: keyof Preferences) => {
      const value = (found as Record<string, unknown>)[name];
      return typeof value === "boolean" ? value : AT_FIRST[name];
    };
    return { enabled: flag("enabled"), sound: flag("sound"), preview: flag("preview") };
  } catch {
    return AT_FIRST;
  }
}

export const preferences = createStore<Preferences>(stored);

export function prefer(changed: Partial<Preferences>): void {
  const now = { ...preferences.getState(), ...changed };
  localStorage.setItem(STORED, JSON.stringify(now));
  preferences.setState(now);
}

if (typeof window !== "undefined") {
  // Chosen in another tab.
  window.addEventListener("storage", (event) => {
    if (event.key === STORED || event.key === null) preferences.setState(stored());
  });
}
