import { describe, expect, it } from "vitest";
import { type Formatted, formatted, unformatted } from "./formatting";

/** As markup, to be read easily in tests. */
function markup(pieces: readonly Formatted[]): string {
  return pieces
    .map((piece) => {
      if (piece.kind === "text") return piece.text;
      if ("text" in piece) return `<${piece.kind}>${piece.text}</${piece.kind}>`;
      return `<${piece.kind}>${markup(piece.children)}</${piece.kind}>`;
    })
    .join("");
}

describe("simple formatting", () => {
  it.each([
    ["plain text", "plain text"],
    ["*bold*", "<bold>bold</bold>"],
    ["_italic_ and ~gone~", "<italic>italic</italic> and <strike>gone</strike>"],
    ["*a _b ~c~_*", "<bold>a <italic>b <strike>c</strike></italic></bold>"],
    ["run `npm *i*` now", "run <code>npm *i*</code> now"],
    ["a ```let *x* = 1;\nx``` b", "a <block>let *x* = 1;\nx</block> b"],
    ["a\n```\nx\n```\nb", "a<block>x</block>b"],
    ["(*bold*), yes", "(<bold>bold</bold>), yes"],
    ["عن *مهم* جدا", "عن <bold>مهم</bold> جدا"],
  ])("shows %j", (text, expected) => {
    expect(markup(formatted(text))).toBe(expected);
  });

  it.each([
    "2 * 3 * 4",
    "snake_case_name",
    "*not closed",
    "*over\ntwo lines*",
    "* a list",
    "**",
    "``",
    "a*b*c",
    "~ ~",
    "*",
    "``````",
  ])("leaves %j as it is", (text) => {
    expect(markup(formatted(text))).toBe(text);
  });

  it("leaves links alone, and formats around them", () => {
    expect(markup(formatted("see https://example.org/_a_/*b* and *https://example.org/x*"))).toBe(
      "see https://example.org/_a_/*b* and <bold>https://example.org/x</bold>",
    );
  });

  it("loses no character of any text", () => {
    for (const text of ["*_~`*_~`", "*a*b*", "_*x_*", "`a", "<b>*&amp;*</b>", "*a*".repeat(50)]) {
      const shown = JSON.stringify(formatted(text));
      for (const letter of text.replace(/[*_~`]/gu, "")) expect(shown).toContain(letter);
    }
  });

  it("leaves a long text of marks that are not closed as it is", () => {
    for (const text of ["*a ".repeat(2_700), "`a ".repeat(2_700)])
      expect(unformatted(text) === text, text.slice(0, 3)).toBe(true);
  });

  it("reads without the marks", () => {
    expect(unformatted("*Hi* _there_ `x`")).toBe("Hi there x");
    expect(unformatted("this:\n```\nx = 1\n```\nworks")).toBe("this:\nx = 1\nworks");
  });
});
