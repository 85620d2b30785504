/** Puts a brotli and a gzip form beside each file of the build that gets shorter by it; a node serves whichever the browser takes. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const TEXT = new Set([".css", ".html", ".js", ".json", ".svg", ".txt", ".webmanifest"]);
/** Below this, a file fits into the packet that its head is in. */
const SHORTEST = 1_000;

const toBrotli = promisify(brotliCompress);
const toGzip = promisify(gzip);

async function compress(path) {
  const body = readFileSync(path);
  const forms = {
    ".br": await toBrotli(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
    }),
    ".gz": await toGzip(body, { level: 9 }),
  };
  for (const [end, form] of Object.entries(forms)) {
    if (form.length < body.length) writeFileSync(path + end, form);
  }
}

const paths = readdirSync(DIST, { recursive: true }).map((name) => join(DIST, name));
await Promise.all(
  paths
    .filter((path) => TEXT.has(extname(path)) && statSync(path).size >= SHORTEST)
    .map((path) => compress(path)),
);
