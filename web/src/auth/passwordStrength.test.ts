import { expect, test } from "vitest";
import { passwordStrength } from "./passwordStrength";

test.each([
  ["", "short"],
  ["1234567", "short"],
  ["password", "weak"],
  ["12345678", "weak"],
  ["aaaaaaaaaaaa", "weak"],
  ["qwertyuiop", "weak"],
  ["abcdefghij1", "weak"],
  ["river7sun", "fair"],
  ["blue kettle on a hill", "strong"],
  ["Tr0mbone-Lake!", "strong"],
  ["بيت أزرق على تل بعيد", "strong"],
])("%j is %s", (password, strength) => {
  expect(passwordStrength(password)).toBe(strength);
});

test("one's own name and number make nothing harder to guess", () => {
  expect(passwordStrength("AmaraOkafor1", ["AmaraOkafor"])).toBe("weak");
  expect(passwordStrength("AmaraOkafor1")).not.toBe("weak");
});
