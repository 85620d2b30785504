import { describe, expect, it } from "vitest";
import { added, changed, isWritten, moved, NOTHING, removed, withCaption } from "./selection";

const photo = (name: string) => new File(["x"], name, { type: "image/jpeg" });
const three = added(NOTHING, [photo("a"), photo("b"), photo("c")]);
const shown = (selection: typeof three) =>
  selection.items.find(({ id }) => id === selection.current)?.file.name;

describe("a selection", () => {
  it("shows the first of what was chosen, and stays there when more come", () => {
    expect(shown(three)).toBe("a");
    expect(shown(added(moved(three, 1), [photo("d")]))).toBe("b");
  });
  it("shows the neighbour of what is removed", () => {
    expect(shown(removed(three, 1))).toBe("b");
    const last = moved(moved(three, 1), 1);
    expect(shown(removed(last, last.current))).toBe("b");
    expect(removed(removed(removed(three, 1), 2), 3).items).toEqual([]);
  });
  it("keeps what is shown when another is removed", () => {
    expect(shown(removed(three, 2))).toBe("a");
  });
  it("ends at its ends", () => {
    expect(moved(three, -1)).toBe(three);
    expect(shown(moved(moved(moved(three, 1), 1), 1))).toBe("c");
  });
  it("has each file's own caption, kept when others change", () => {
    const written = changed(changed(three, 1, { caption: " one " }), 2, { caption: "two" });
    expect(removed(written, 1).items.map(({ caption }) => caption)).toEqual(["two", ""]);
    expect(isWritten(written)).toBe(true);
    expect(isWritten(changed(three, 1, { caption: "  " }))).toBe(false);
  });
  it("never gives an id twice", () => {
    const again = added(removed(three, 3), [photo("d")]);
    expect(new Set(again.items.map(({ id }) => id)).size).toBe(3);
    expect(again.items.at(-1)?.id).toBe(4);
  });
  it("takes what is no picture as a file", () => {
    expect(added(NOTHING, [new File(["x"], "a.html", { type: "text/html" })]).items[0]?.asFile).toBe(true);
  });
});

it("captions go with what has them", () => {
  const image = { type: "image" as const, content: { width: 1, height: 1 } };
  expect(withCaption(image, " hello ").content).toEqual({ width: 1, height: 1, caption: "hello" });
  expect(withCaption(image, "  ")).toBe(image);
  const audio = { type: "audio" as const, content: { duration_ms: 1 } };
  expect(withCaption(audio, "hello")).toBe(audio);
});
