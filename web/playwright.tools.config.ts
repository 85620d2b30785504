import { defineConfig } from "@playwright/test";
import base from "./playwright.config";

/** Not tests, but what is made with a browser by the same means: pictures for the documentation, and figures. */
export default defineConfig({
  ...base,
  testDir: "e2e/tools",
  testMatch: "*.ts",
  workers: 1,
  timeout: 300_000,
  projects: [{ name: "tools" }],
});
