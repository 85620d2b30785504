/** The budget for what a browser has to fetch before the first screen is there: fails if it is exceeded. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const BUDGET = 200 * 1024;
/** What is loaded for a first screen beside the entry: names of chunks, or sources of texts. */
const SCREENS = {
  "sign in": ["SignIn", "src/i18n/en/app.json", "src/i18n/en/auth.json"],
  chats: ["SignedIn", "src/i18n/en/app.json", "src/i18n/en/chat.json", "src/i18n/en/media.json"],
};

const manifest = JSON.parse(readFileSync(join(DIST, ".vite/manifest.json"), "utf8"));

/** As a browser gets it. */
function compressed(file) {
  const path = join(DIST, file);
  return statSync(existsSync(`${path}.br`) ? `${path}.br` : path).size;
}

function keyOf(wanted) {
  const key = Object.keys(manifest).find((each) => each === wanted || manifest[each].name === wanted);
  if (key === undefined) throw new Error(`there is no chunk ${wanted}: scripts/size.mjs has to name another`);
  return key;
}

/** Every script that is there when these are: they, and what they import. */
function closure(wanted) {
  const found = new Set();
  const waiting = wanted.map(keyOf);
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (found.has(key)) continue;
    found.add(key);
    waiting.push(...(manifest[key].imports ?? []));
  }
  return [...found].map((key) => manifest[key].file).filter((file) => file.endsWith(".js"));
}

let exceeded = false;
for (const [screen, sources] of Object.entries(SCREENS)) {
  const files = closure(["index.html", ...sources]);
  const size = files.reduce((sum, file) => sum + compressed(file), 0);
  exceeded ||= size >= BUDGET;
  const kib = (size / 1024).toFixed(1);
  process.stdout.write(
    `${screen}: ${kib} KiB of compressed script in ${files.length} files, of ${BUDGET / 1024} KiB\n`,
  );
}
process.exit(exceeded ? 1 : 0);
