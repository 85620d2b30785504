import { describe, expect, it } from "vitest";
import { endingOf, groupOf, isPlayable, isSendable, kindOf, nameFor, renamed, shortened } from "./files";

describe("kindOf", () => {
  it.each([
    ["image/jpeg", "image"],
    ["image/heic", "image"],
    ["image/svg+xml", "document"],
    ["video/webm;codecs=vp9", "video"],
    ["video/x-matroska", "document"],
    ["AUDIO/MPEG", "audio"],
    ["text/html", "document"],
    ["", "document"],
  ])("%s is sent as %s", (type, kind) => expect(kindOf(type)).toBe(kind));
});

it("what has to be converted first cannot be sent as it is", () => {
  expect(isSendable("image", "image/bmp")).toBe(false);
  expect(isSendable("image", "image/png")).toBe(true);
  expect(isSendable("document", "application/x-anything")).toBe(true);
});

it("nothing but known types is given to a player", () => {
  expect(isPlayable("video", "video/mp4")).toBe(true);
  expect(isPlayable("video", "text/html")).toBe(false);
  expect(isPlayable("audio", "audio/webm; codecs=opus")).toBe(true);
});

describe("names", () => {
  it("that are long lose their middle, not their ending", () => {
    expect(shortened("notice.pdf")).toBe("notice.pdf");
    const short = shortened(`${"🥾".repeat(40)} and then ${"b".repeat(40)}.exe`);
    expect([...short]).toHaveLength(56);
    expect(short.startsWith("🥾🥾")).toBe(true);
    expect(short.endsWith("bbb.exe")).toBe(true);
  });
  it("get the ending of what the file has become", () => {
    expect(renamed("IMG_1.HEIC", "image/jpeg")).toBe("IMG_1.jpg");
    expect(renamed("no ending", "image/png")).toBe("no ending.png");
    expect(renamed(".png", "image/webp")).toBe("file.webp");
    expect(renamed("report.final", "application/x-unknown")).toBe("report.final");
  });
  it("are made for what has none", () => {
    expect(nameFor("image", "image/png", new Date("2026-01-02T03:04:05.678Z"))).toBe(
      "image 2026-01-02 03-04-05.png",
    );
  });
  it("tell an icon", () => {
    expect(endingOf("a.b/c.PDF")).toBe("pdf");
    expect(endingOf("none")).toBe("");
    expect(groupOf("budget.XLSX")).toBe("sheet");
    expect(groupOf("invoice.pdf.exe")).toBe("other");
  });
});
