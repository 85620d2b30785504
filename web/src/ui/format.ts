/** Times, sizes and lengths as people read them, in the language of the page. */

const DAY_MS = 86_400_000;
const NOW_MS = 60_000;

type Time = string | number | Date;

/** A language as it is written where the browser is at home: 24 hours or twice 12, the day or the month first. Digits are those of the texts around them. */
export function regional(language: string, languages: readonly string[]): string {
  const home = languages.find((tag) => tag.split("-")[0] === language) ?? language;
  return `${home}-u-ca-gregory-nu-latn`;
}

/** By language; the browser's own do not change under a page. */
const locals = new Map<string, string>();

/** The language of the page, for `Intl`. */
function localLanguage(): string {
  const page = document.documentElement.lang || "en";
  const local = locals.get(page) ?? regional(page, navigator.languages);
  locals.set(page, local);
  return local;
}

/** Intl's formatters are dear to make and lists ask for thousands: one of each kind is kept for each language. */
const made = new Map<string, unknown>();

function kept<T>(kind: string, make: (language: string) => T): T {
  const key = `${localLanguage()}/${kind}`;
  const before = made.get(key);
  if (before !== undefined) return before as T;
  const now = make(localLanguage());
  made.set(key, now);
  return now;
}

function dates(kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(kind, (lang) => new Intl.DateTimeFormat(lang, options));
}

function relative(): Intl.RelativeTimeFormat {
  return kept("relative", (lang) => new Intl.RelativeTimeFormat(lang, { numeric: "auto" }));
}

function capitalised(text: string): string {
  return text.charAt(0).toLocaleUpperCase(localLanguage()) + text.slice(1);
}

/** How many midnights lie between a time and now. */
function daysAgo(time: Date, now: Date): number {
  const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(now) - midnight(time)) / DAY_MS);
}

/** 14:05 */
export function formatTime(time: Time): string {
  return dates("time", { hour: "numeric", minute: "2-digit" }).format(new Date(time));
}

/** Today, Yesterday, Tuesday, 3 March, 3 March 2024: for day separators. */
export function formatDay(time: Time, now: Time = Date.now()): string {
  const [then, today] = [new Date(time), new Date(now)];
  const ago = daysAgo(then, today);
  if (ago === 0 || ago === 1) return capitalised(relative().format(-ago, "day"));
  if (ago > 1 && ago < 7) return capitalised(dates("weekday", { weekday: "long" }).format(then));
  if (then.getFullYear() === today.getFullYear())
    return dates("day", { day: "numeric", month: "long" }).format(then);
  return dates("date", { day: "numeric", month: "long", year: "numeric" }).format(then);
}

/** March 2024: for what stands together by month. */
export function formatMonth(time: Time): string {
  return capitalised(dates("month", { month: "long", year: "numeric" }).format(new Date(time)));
}

/** 14:05, Yesterday, Tuesday, 03/03/2024: for the list of chats, as short as can be. */
export function formatListTime(time: Time, now: Time = Date.now()): string {
  const [then, today] = [new Date(time), new Date(now)];
  const ago = daysAgo(then, today);
  if (ago <= 0) return formatTime(then);
  if (ago < 7) return formatDay(then, today);
  return dates("short", { day: "2-digit", month: "2-digit", year: "numeric" }).format(then);
}

/** Tuesday 14:05; the day and the time of it: for details. */
export function formatDayTime(time: Time, now: Time = Date.now()): string {
  return `${formatDay(time, now)}, ${formatTime(time)}`;
}

/** Tuesday, 3 March 2024 at 14:05:10: in full, for those who point at a short one. */
export function formatFull(time: Time): string {
  return dates("full", { dateStyle: "full", timeStyle: "medium" }).format(new Date(time));
}

/** Whether `formatRelative` says "now". */
export const isNow = (time: Time, now: Time = Date.now()): boolean =>
  new Date(now).getTime() - new Date(time).getTime() < NOW_MS;

/** now, 5 minutes ago, 3 hours ago, yesterday, 3 March: for when somebody was here. */
export function formatRelative(time: Time, now: Time = Date.now()): string {
  const [then, today] = [new Date(time), new Date(now)];
  const seconds = Math.max(0, (today.getTime() - then.getTime()) / 1_000);
  if (isNow(then, today)) return relative().format(0, "second");
  if (seconds < 3_600) return relative().format(-Math.floor(seconds / 60), "minute");
  const ago = daysAgo(then, today);
  if (ago === 0 || seconds < 6 * 3_600) return relative().format(-Math.floor(seconds / 3_600), "hour");
  if (ago < 7) return relative().format(-ago, "day");
  return formatDay(then, today);
}

/** 1.4 MB */
export function formatBytes(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  let [size, unit] = [bytes, 0];
  while (size >= 1_000 && unit < units.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return kept(
    `bytes${unit}${digits}`,
    (lang) =>
      new Intl.NumberFormat(lang, {
        style: "unit",
        unit: units[unit] ?? "byte",
        unitDisplay: unit === 0 ? "long" : "short",
        maximumFractionDigits: digits,
      }),
  ).format(size);
}

/** 0:07, 1:02:30 */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1_000));
  const two = kept("two", (lang) => new Intl.NumberFormat(lang, { minimumIntegerDigits: 2 }));
  const one = kept("one", (lang) => new Intl.NumberFormat(lang, { useGrouping: false }));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const rest = two.format(seconds % 60);
  return hours > 0 ? `${one.format(hours)}:${two.format(minutes)}:${rest}` : `${one.format(minutes)}:${rest}`;
}

/** 1,234; over 999 for badges: 999+ */
export function formatCount(count: number, most = 999): string {
  const number = kept("count", (lang) => new Intl.NumberFormat(lang));
  return count > most ? `${number.format(most)}+` : number.format(count);
}
