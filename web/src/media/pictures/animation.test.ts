import { expect, it } from "vitest";
import { isAnimated } from "./animation";

const bytes = (...parts: (string | number[])[]) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "string" ? [...part].map((char) => char.charCodeAt(0)) : part)),
  );

it("GIFs move", () => expect(isAnimated(bytes("GIF89a"))).toBe(true));

it("WebP says so in its flags", () => {
  const webp = (flags: number) => bytes("RIFF", [0, 0, 0, 0], "WEBPVP8X", [10, 0, 0, 0, flags]);
  expect(isAnimated(webp(0x02))).toBe(true);
  expect(isAnimated(webp(0x10))).toBe(false);
});

it("PNG has a chunk for it before its data", () => {
  const head = [0x89];
  expect(isAnimated(bytes(head, "PNG....IHDR....acTL....IDAT"))).toBe(true);
  expect(isAnimated(bytes(head, "PNG....IHDR....IDAT....acTL"))).toBe(false);
  expect(isAnimated(bytes(head, "PNG....IHDR...."))).toBe(false);
});

it("AVIF has a brand for it", () => {
  expect(isAnimated(bytes([0, 0, 0, 32], "ftypavis"))).toBe(true);
  expect(isAnimated(bytes([0, 0, 0, 32], "ftypavif"))).toBe(false);
});

it("photographs do not", () => expect(isAnimated(bytes([0xff, 0xd8, 0xff, 0xe0]))).toBe(false));
