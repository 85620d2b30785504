import { describe, expect, it } from "vitest";
import { phoneOf } from "./phone";

const OWN = "+4930901820";

describe("a number that somebody types", () => {
  it("is taken as it is in international form, however it is written", () => {
    for (const text of ["+1 (202) 555-0143", "+12025550143", "001 202 555 0143", " +1.202.555.0143 "]) {
      expect(phoneOf(text, OWN)).toEqual({ e164: "+12025550143", shown: "+1 202 555 0143" });
    }
  });

  it("is of one's own country without a code", () => {
    expect(phoneOf("030 901820", OWN)?.e164).toBe("+4930901820");
    expect(phoneOf("(202) 555-0143", "+12025550100")?.e164).toBe("+12025550143");
  });

  it("is none while it is too short, too long or no number", () => {
    for (const text of ["", "+", "+49", "+49 1", "+1202555014399999999", "Ann", "+999 123456"]) {
      expect(phoneOf(text, OWN)).toBeNull();
    }
  });

  it("may be written in Arabic digits", () => {
    expect(phoneOf("+٢٠ ١٠٠ ١٢٣ ٤٥٦٧", OWN)?.e164).toBe("+201001234567");
  });
});
