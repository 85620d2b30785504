/** The pages of the settings, in their order. Each has an address of its own. */
export const PAGES = [
  "profile",
  "privacy",
  "notifications",
  "appearance",
  "devices",
  "shortcuts",
  "storage",
  "account",
] as const;

export type SettingsPage = (typeof PAGES)[number];

export function isPage(name: string | null): name is SettingsPage {
  return name !== null && (PAGES as readonly string[]).includes(name);
}
