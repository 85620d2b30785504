// @vitest-environment node
/** React Native uses this folder as it is, but for `browser/`: nothing else may need a DOM or React. `tsconfig.portable.json` checks the same by types. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const PACKAGES = new Set(["phoenix", "zustand/vanilla"]);
const OWN = new Set(["@/types/socket"]);
const GLOBALS =
  /(?<![.\w"'`-])(window|document|navigator|location|localStorage|sessionStorage|indexedDB|IDBKeyRange|BroadcastChannel|XMLHttpRequest|fetch|crypto|self|HTMLElement|Event)(?=[.(\s)[])/g;

const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter(
  (name) =>
    /\.tsx?$/.test(name) &&
    !/\.(test|transports)\.ts$/.test(name) &&
    !name.startsWith("browser/") &&
    !name.startsWith("flows/"),
);

function code(name: string): string {
  return readFileSync(join(ROOT, name), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\/\/.*$/gm, "");
}

test("there is something to look at", () => {
  expect(files.length).toBeGreaterThan(25);
});

test.each(files)("%s imports nothing that needs a browser", (name) => {
  const imported = [...code(name).matchAll(/from "([^"]+)"|import\("([^"]+)"\)/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
  const foreign = imported.filter(
    (path) => !PACKAGES.has(path) && !OWN.has(path) && (!path.startsWith(".") || path.includes("/browser/")),
  );
  expect(foreign).toEqual([]);
});

test.each(files)("%s uses nothing that only a browser has", (name) => {
  const text = code(name).replace(/"[^"\n]*"|`[^`]*`/g, '""');
  expect([...text.matchAll(GLOBALS)].map(([found]) => found)).toEqual([]);
});
