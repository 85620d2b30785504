import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { emojiData } from "./scripts/emoji";

/** The node that the development server hands API calls and sockets to. */
const NODE = process.env.CHAT_NODE ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), emojiData()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // Small assets inlined as data: would need `data:` in the Content-Security-Policy.
    assetsInlineLimit: 0,
    sourcemap: false,
  },
  server: {
    proxy: {
      "/api": NODE,
      "/client.json": NODE,
      "/socket": { target: NODE, ws: true },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
  },
});
