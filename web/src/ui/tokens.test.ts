import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync("src/ui/tokens.css", "utf8");

type Theme = "light" | "dark";

function colour(token: string, theme: Theme): [number, number, number] {
  const found = css.match(new RegExp(`--${token}: light-dark\\(#([0-9a-f]{6}), #([0-9a-f]{6})\\)`));
  const hex = found?.[theme === "light" ? 1 : 2];
  if (hex === undefined) throw new Error(`no colour --${token}`);
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}

/** WCAG 2.2: relative luminance. */
function luminance(rgb: [number, number, number]): number {
  const [r, g, b] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string, theme: Theme): number {
  const [low, high] = [luminance(colour(one, theme)), luminance(colour(other, theme))].sort((a, b) => a - b);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

const GROUNDS = ["surface", "surface-raised", "surface-sunken", "surface-hover", "surface-selected"];
const BUBBLES = ["bubble-own", "bubble-other"];

describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
  test.each(["text", "text-soft", "accent-text"])("--%s can be read on every ground", (text) => {
    for (const ground of [...GROUNDS, ...BUBBLES])
      expect(contrast(text, ground, theme), ground).toBeGreaterThanOrEqual(4.5);
  });

  test.each(["text-faint", "danger"])("--%s can be read on plain ground", (text) => {
    for (const ground of GROUNDS.slice(0, 4))
      expect(contrast(text, ground, theme), ground).toBeGreaterThanOrEqual(4.5);
  });

  test.each([
    ["on-accent", "accent"],
    ["on-accent", "accent-hover"],
    ["on-danger", "danger"],
    ["warning-text", "warning-surface"],
    ["text", "danger-surface"],
  ])("--%s can be read on --%s", (text, ground) => {
    expect(contrast(text, ground, theme)).toBeGreaterThanOrEqual(4.5);
  });

  test.each(["line-strong", "focus", "accent", "success"])("--%s can be seen on plain ground", (line) => {
    for (const ground of ["surface", "surface-raised", "surface-sunken"])
      expect(contrast(line, ground, theme), ground).toBeGreaterThanOrEqual(3);
  });
});
