import { describe, expect, it } from "vitest";
import { aMessage } from "@/testing/realtime";
import type { MessageView } from "@/types/socket";
import { type SharedPages, withMessage } from "./shared";

const photo = (seq: number, more: Partial<MessageView> = {}) =>
  aMessage({ seq, type: "image", media_id: `m${seq}`, content: { width: 1, height: 1 }, ...more });

const PAGES: SharedPages = {
  pages: [
    { items: [photo(7), photo(9)], next: "older", rev: null },
    { items: [photo(2), photo(4)], next: null, rev: null },
  ],
  pageParams: [undefined, "older"],
};
const seqs = ({ pages }: SharedPages) => pages.map(({ items }) => items.map(({ seq }) => seq));

describe("what is shown of a chat", () => {
  it("has what is new at its end", () => {
    expect(seqs(withMessage(PAGES, photo(12), "pictures"))).toEqual([
      [7, 9, 12],
      [2, 4],
    ]);
    const none: SharedPages = { pages: [{ items: [], next: null, rev: null }], pageParams: [undefined] };
    expect(seqs(withMessage(none, photo(1), "pictures"))).toEqual([[1]]);
  });

  it("leaves out what is deleted, and what is of another kind", () => {
    const gone = photo(4, { deleted: true, media_id: null, content: {} });
    expect(seqs(withMessage(PAGES, gone, "pictures"))).toEqual([[7, 9], [2]]);
    expect(withMessage(PAGES, aMessage({ seq: 12 }), "pictures")).toBe(PAGES);
    expect(withMessage(PAGES, photo(12), "documents")).toBe(PAGES);
  });

  it("has a changed one in its place, and none that is older than what has been asked for", () => {
    const edited = photo(7, { content: { width: 1, height: 1, caption: "hill" } });
    const after = withMessage(PAGES, edited, "pictures");
    expect(after.pages[0]?.items[0]).toBe(edited);
    expect(seqs(after)).toEqual(seqs(PAGES));
    expect(seqs(withMessage(PAGES, photo(3), "pictures"))).toEqual(seqs(PAGES));
  });
});
