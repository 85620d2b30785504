// Writes src/types/openapi.ts from the server's own OpenAPI document. It is generated, and never committed.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));
const target = fileURLToPath(new URL("../src/types/openapi.ts", import.meta.url));

function document() {
  const given = process.env.OPENAPI_FILE;
  if (given !== undefined) return readFileSync(given, "utf8");
  const python = existsSync(`${root}/.venv/bin/python`) ? `${root}/.venv/bin/python` : "python3";
  return execFileSync(python, ["-m", "server", "describe", "openapi"], { cwd: root, encoding: "utf8" });
}

const ast = await openapiTS(JSON.parse(document()), { alphabetize: true });
writeFileSync(
  target,
  `// Generated from the server's OpenAPI document by \`npm run types\`.\n\n${astToString(ast)}`,
);
