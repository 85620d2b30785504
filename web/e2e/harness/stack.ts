/** The platform that the tests run against: MongoDB, Redis, an object store, and two real nodes behind nginx, started once, on ports and in a folder of their own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const NODES = 2;

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const START_MS = 240_000;
/** Passwords are hashed as cheaply as can be: sign-ups are not what is tested. */
const SETTINGS = {
  ARGON2_MEMORY_KIB: "8",
  ARGON2_ITERATIONS: "1",
  DRAIN_BUDGET_S: "1",
  PRESENCE_GRACE_S: "1",
};

/** Where the stack is. Read in tests; set by the start, or beforehand by whoever has one running already. */
export function stack(): { url: string; port: number; folder: string } {
  const url = process.env.E2E_URL;
  const folder = process.env.E2E_VAR;
  if (url === undefined || folder === undefined) throw new Error("the stack has not been started");
  return { url, port: Number(new URL(url).port), folder };
}

/** The address of one node alone, beside nginx. Nodes count from 1. */
export function nodeUrl(number: number): string {
  return `http://127.0.0.1:${stack().port + number}`;
}

export default async function start(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.E2E_URL !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "chat-e2e-"));
  const port = await freePorts(NODES + 1);
  const python = join(ROOT, ".venv/bin/python");
  const root = process.env.WEB_ROOT ?? join(ROOT, "web/dist");
  if (!existsSync(join(root, "index.html"))) {
    execFileSync("npm", ["run", "--silent", "build"], { cwd: join(ROOT, "web"), stdio: "inherit" });
  }
  const process_ = spawn(
    python,
    ["-m", "server", "local", "--nodes", `${NODES}`, "--proxy", "--port", `${port}`],
    {
      cwd: ROOT,
      env: { ...process.env, ...SETTINGS, VAR_DIR: folder, WEB_ROOT: root },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const stop = async () => {
    if (process_.exitCode === null) {
      const gone = new Promise((resolve) => process_.once("exit", resolve));
      process_.kill("SIGTERM");
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(process_);
  } catch (error) {
    await stop();
    throw error;
  }
  process.env.E2E_URL = `http://127.0.0.1:${port}`;
  process.env.E2E_VAR = folder;
  return stop;
}

/** The first of several free ports in a row. Looked for where no server starts its search, and no connection gets its own. */
async function freePorts(count: number): Promise<number> {
  const first = 20_000 + (process.pid % 400) * 10;
  for (let port = first; port < first + 5_000; port += count) {
    const ports = Array.from({ length: count }, (_, i) => port + i);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return port;
  }
  throw new Error("no free ports");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Resolves when the stack has said that it is ready; its output is read on, so that it never waits for a reader. */
function ready(process_: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const late = setTimeout(() => reject(new Error(`the stack did not start in time:\n${said}`)), START_MS);
    const listen = (chunk: Buffer) => {
      if (said.includes("Ready after")) return;
      said += chunk.toString();
      if (!said.includes("Ready after")) return;
      clearTimeout(late);
      resolve();
    };
    process_.stdout?.on("data", listen);
    process_.stderr?.on("data", listen);
    process_.once("exit", (code) => {
      clearTimeout(late);
      reject(new Error(`the stack ended with ${code}:\n${said}`));
    });
  });
}
