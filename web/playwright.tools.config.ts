import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

// What is made here is made faster than people write.
for (const limit of ["SENDS_PER_SECOND", "RATE_SENDS", "RATE_REQUESTS", "RATE_CHATS"])
  process.env[limit] = "0";

/** Not tests, but what is made with a browser by the same means: pictures for the documentation, and figures. */
export default defineConfig({
  ...base,
  testDir: "e2e/tools",
  testMatch: "*.ts",
  workers: 1,
  retries: 0,
  timeout: 300_000,
  projects: [{ name: "tools" }],
});
