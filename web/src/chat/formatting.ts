/**
 * The simple formatting of messengers: *bold*, _italic_, ~strike~, `code`, and ``` blocks, as a tree to be shown as elements.
 *
 * A mark opens at the start of a word and closes at the end of one, on the same line; what is not closed is the character itself. Inside of links and code there are no marks.
 */
import { find } from "linkifyjs";

export type Formatted =
  | { kind: "text"; text: string }
  | { kind: "code" | "block"; text: string }
  | { kind: "bold" | "italic" | "strike"; children: Formatted[] };

const MARKS = { "*": "bold", _: "italic", "~": "strike" } as const;
type Mark = keyof typeof MARKS;
const ANY = /[*_~`]/u;
const isMark = (character: string | undefined): character is Mark =>
  character === "*" || character === "_" || character === "~";
/** Marks in marks: three kinds can't nest deeper, in each other, than this. */
const DEEPEST = 3;

interface Range {
  start: number;
  end: number;
}

export function formatted(text: string): Formatted[] {
  if (!ANY.test(text)) return [{ kind: "text", text }];
  const links = linksIn(text);
  return merged(blocks(text, links));
}

function blocks(text: string, links: readonly Range[]): Formatted[] {
  const pieces: Formatted[] = [];
  // A block stands in lines of its own: the breaks around it are not blank lines.
  const fence = /\n?```\n?([\s\S]+?)\n?```\n?/gu;
  let from = 0;
  for (const match of text.matchAll(fence)) {
    pieces.push(...inline(text, from, match.index, links, ""));
    pieces.push({ kind: "block", text: match[1] ?? "" });
    from = match.index + match[0].length;
  }
  pieces.push(...inline(text, from, text.length, links, ""));
  return pieces;
}

function inline(text: string, from: number, to: number, links: readonly Range[], open: string): Formatted[] {
  const pieces: Formatted[] = [];
  let plain = from;
  let at = from;
  /** By mark: up to where it is known not to be closed. A text of nothing but marks is not searched anew for each. */
  const unclosed = new Map<string, number>();
  const flush = () => {
    if (at > plain) pieces.push({ kind: "text", text: text.slice(plain, at) });
  };
  while (at < to) {
    const link = links.find(({ start, end }) => at >= start && at < end);
    if (link !== undefined) {
      at = Math.min(link.end, to);
      continue;
    }
    const character = text[at];
    if (character === "`" || (isMark(character) && !open.includes(character) && open.length < DEEPEST)) {
      const search = opens(text, at, from) && at >= (unclosed.get(character) ?? 0);
      const end = search ? closing(text, character, at, to, links) : -1;
      if (search && end < 0) unclosed.set(character, lineEnd(text, at, to));
      if (end > 0) {
        flush();
        if (character === "`") pieces.push({ kind: "code", text: text.slice(at + 1, end) });
        else
          pieces.push({
            kind: MARKS[character],
            children: inline(text, at + 1, end, links, open + character),
          });
        at = end + 1;
        plain = at;
        continue;
      }
    }
    at += 1;
  }
  at = to;
  flush();
  return pieces;
}

const inWord = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}]/u.test(character);
const blank = (character: string | undefined) => character === undefined || /\s/u.test(character);

function opens(text: string, at: number, from: number): boolean {
  return !inWord(at > from ? text[at - 1] : undefined) && !blank(text[at + 1]) && text[at + 1] !== text[at];
}

/** Where the mark at `at` is closed before `to`; -1 if nowhere. */
function closing(text: string, mark: string, at: number, to: number, links: readonly Range[]): number {
  for (let end = at + 2; end < to; end += 1) {
    if (text[end] === "\n") return -1;
    if (text[end] !== mark || blank(text[end - 1]) || inWord(text[end + 1])) continue;
    if (mark === "`" || !links.some((link) => end >= link.start && end < link.end)) return end;
  }
  return -1;
}

function lineEnd(text: string, at: number, to: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? to : Math.min(end, to);
}

/** Links, without marks at their ends: in *https://example.org* the stars are about the link. */
function linksIn(text: string): Range[] {
  return find(text).map(({ start, end }) => {
    let last = end;
    while (last > start && ANY.test(text[last - 1] ?? "")) last -= 1;
    return { start, end: last };
  });
}

function merged(pieces: readonly Formatted[]): Formatted[] {
  const joined: Formatted[] = [];
  for (const piece of pieces) {
    const before = joined.at(-1);
    if (piece.kind === "text" && before?.kind === "text") before.text += piece.text;
    else joined.push(piece);
  }
  return joined;
}

/** The text as it reads without its marks: for previews, quotes and announcements. */
export function unformatted(text: string): string {
  const plain = (pieces: readonly Formatted[]): string =>
    pieces
      .map((piece) => {
        if (piece.kind === "block") return `\n${piece.text}\n`;
        return "text" in piece ? piece.text : plain(piece.children);
      })
      .join("");
  return plain(formatted(text));
}
