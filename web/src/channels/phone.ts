/** Phone numbers as people write them. What the server takes is E.164. */
import { parsePhoneNumberFromString } from "libphonenumber-js/min";

export interface Phone {
  e164: string;
  /** As it is written between countries: "+49 30 123456". */
  shown: string;
}

/**
 * The number that somebody has typed, `null` while it can be none.
 *
 * @param own one's own number: without a country's code it is taken to be of the same country.
 */
export function phoneOf(text: string, own: string): Phone | null {
  const defaultCountry = parsePhoneNumberFromString(own)?.country;
  const written = text.trim().replace(/^00/, "+");
  const number = parsePhoneNumberFromString(written, defaultCountry === undefined ? {} : { defaultCountry });
  if (number?.isPossible() !== true) return null;
  return { e164: number.number, shown: number.formatInternational() };
}
