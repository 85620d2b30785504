import { expect, test } from "vitest";
import { pageTitle } from "./title";

test("the title says how much waits, where one is, what it is", () => {
  expect(pageTitle("Chat", "Ann", 3)).toBe("(3) Ann · Chat");
  expect(pageTitle("Chat", "", 0)).toBe("Chat");
  expect(pageTitle("Chat", "", 120)).toBe("(99+) Chat");
});

test("a name cannot turn the title round", () => {
  expect(pageTitle("Chat", "\u202egpj.\u2066exe", 0)).toBe("gpj.exe · Chat");
});
