import { localLanguage } from "@/ui/format";

/** A time in full, for those who point at a short one. */
const made = new Map<string, Intl.DateTimeFormat>();

export function fullTime(at: string): string {
  const language = localLanguage();
  const format =
    made.get(language) ?? new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "medium" });
  made.set(language, format);
  return format.format(new Date(at));
}
