import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

/** Debian's Chromium; another one by its path in CHROMIUM. */
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Those in which nodes die. */
const KILLERS = /(faults|walk)\.spec\.ts$/;

export default defineConfig({
  testDir: "e2e",
  globalSetup: "./e2e/harness/stack.ts",
  outputDir: "node_modules/.e2e",
  fullyParallel: true,
  forbidOnly: true,
  workers: Number(process.env.E2E_WORKERS ?? 2),
  timeout: 120_000,
  // What passes only at the second time is reported as flaky: a browser on a busy machine may be late, and should not hide what the others found.
  retries: 1,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  // Those who kill nodes come last, and one at a time: the others would be hit too.
  projects: [
    { name: "people", testIgnore: KILLERS },
    { name: "faults", testMatch: KILLERS, dependencies: ["people"], fullyParallel: false, workers: 1 },
  ],
  use: {
    launchOptions: {
      ...(existsSync(CHROMIUM) && { executablePath: CHROMIUM }),
      args: [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        // A camera and a microphone that are always there, and always allowed.
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
      ],
    },
    actionTimeout: 30_000,
    screenshot: "only-on-failure",
    trace: process.env.E2E_TRACE === undefined ? "off" : "retain-on-failure",
  },
});
