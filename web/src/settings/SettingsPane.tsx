export function SettingsPane(_: { page: string | null }) {
  return null;
}
