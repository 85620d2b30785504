/** The numbering plans of the world, loaded when a phone number is first asked for: they are too large for the first page. */
import type * as Plans from "libphonenumber-js/min";

export type { CountryCode } from "libphonenumber-js/min";

let loaded: Promise<typeof Plans> | undefined;

export function phonePlans(): Promise<typeof Plans> {
  loaded ??= import("libphonenumber-js/min");
  loaded.catch(() => {
    loaded = undefined;
  });
  return loaded;
}

/** The region that the browser's languages name, to begin with. */
export function homeRegion(languages: readonly string[] = navigator.languages): string {
  for (const tag of languages) {
    const region = new Intl.Locale(tag).region;
    if (region !== undefined) return region;
  }
  const likely = new Intl.Locale(languages[0] ?? "en").maximize().region;
  return likely ?? "US";
}

/** Digits of any script as ASCII ones, and nothing but them and a leading plus. */
export function plainNumber(text: string): string {
  const ascii = text.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String(code - zero);
  });
  const plus = /^\s*(\+|00)/.test(ascii);
  const digits = ascii.replace(/\D/g, "");
  return plus ? `+${digits.replace(/^00/, "")}` : digits;
}
