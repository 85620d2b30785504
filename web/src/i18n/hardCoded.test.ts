import ts from "typescript";
import { expect, test } from "vitest";

const sources = import.meta.glob<string>(["../**/*.tsx", "!../**/*.test.tsx", "!../testing/**"], {
  query: "?raw",
  import: "default",
  eager: true,
});

/** What is shown or read aloud. */
const SPOKEN = new Set([
  "aria-label",
  "title",
  "placeholder",
  "alt",
  "label",
  "description",
  "text",
  "lead",
  "body",
]);
const WORD = /\p{L}{2,}/u;

/** Every text of a component that is written in it, instead of coming from the translations. */
function written(name: string, source: string): string[] {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isJsxText(node) && WORD.test(node.text)) found.push(node.text.trim());
    if (
      ts.isJsxAttribute(node) &&
      SPOKEN.has(node.name.getText()) &&
      node.initializer !== undefined &&
      ts.isStringLiteral(node.initializer) &&
      WORD.test(node.initializer.text)
    )
      found.push(node.initializer.text);
    if (ts.isJsxExpression(node) && node.expression !== undefined && !ts.isJsxAttribute(node.parent)) {
      const { expression } = node;
      if (ts.isStringLiteralLike(expression) && WORD.test(expression.text)) found.push(expression.text);
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return found;
}

test("a text that is written in a component is found", () => {
  const found = (source: string) => written("x.tsx", source);
  expect(found("<p>Hello</p>")).toEqual(["Hello"]);
  expect(found('<Button aria-label="Close">×</Button>')).toEqual(["Close"]);
  expect(found('<p>{"Hello"}</p>')).toEqual(["Hello"]);
  expect(found('<p className="name">{t("hello")} · {count}</p>')).toEqual([]);
});

test("no component says anything that is not translated", () => {
  expect(Object.keys(sources).length).toBeGreaterThan(50);
  const wrong = Object.entries(sources)
    .map(([name, source]) => ({ name, texts: written(name, source) }))
    .filter(({ texts }) => texts.length > 0);
  expect(wrong).toEqual([]);
});
