/** The realtime client's flows against a running node: `CHAT_URL=http://127.0.0.1:8000 npm run test:transports`. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: {
    // For its WebSocket: that of Node 20 is an experiment, and two of them at a time are too many for it.
    environment: "jsdom",
    environmentOptions: { jsdom: { url: process.env.CHAT_URL ?? "http://localhost" } },
    include: ["src/**/*.transports.ts"],
  },
});
