/** Killing nodes of the stack. Their supervisor starts them again. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { nodeUrl, stack } from "./stack";

/** Ends a node's process at once, without a word to anybody, as a power failure would. Nodes count from 1. */
export function killNode(number: number): void {
  process.kill(processOf(number), "SIGKILL");
}

/** Resolves when a node serves (again). */
export async function nodeReady(number: number): Promise<void> {
  const answers = async () => {
    try {
      return (await fetch(`${nodeUrl(number)}/readyz`)).status;
    } catch {
      return 0;
    }
  };
  await expect.poll(answers, { timeout: 60_000 }).toBe(200);
}

/** The process that has a node's port, among the children of the stack. */
function processOf(number: number): number {
  const { folder, port } = stack();
  const parent = JSON.parse(readFileSync(join(folder, "run/local.json"), "utf8")).process as number;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const itsParent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      if (itsParent !== parent) continue;
      if (
        readFileSync(`/proc/${entry}/environ`, "utf8")
          .split("\0")
          .includes(`PORT=${port + number}`)
      )
        return Number(entry);
    } catch {
      // Gone since it was listed.
    }
  }
  throw new Error(`node ${number} is not running`);
}
