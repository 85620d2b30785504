import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { VitePWA } from "vite-plugin-pwa";
import { defineConfig } from "vitest/config";
import { appManifest } from "./appManifest";
import { emojiData } from "./scripts/emoji";

/** The node that the development server hands API calls and sockets to. */
const NODE = process.env.CHAT_NODE ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [
    react(),
    emojiData(),
    VitePWA({
      strategies: "injectManifest",
      srcDir: "src/push",
      filename: "worker.ts",
      // The page registers it by its own script: an injected one would be inline, which the Content-Security-Policy forbids.
      injectRegister: false,
      manifest: appManifest,
      injectManifest: {
        globPatterns: ["**/*.{js,css,html,svg,png,woff2,webmanifest}"],
        // Their names change with their contents, so that nothing has to be asked for again to know whether it has changed.
        dontCacheBustURLsMatching: /^assets\//,
      },
    }),
  ],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    // Small assets inlined as data: would need `data:` in the Content-Security-Policy.
    assetsInlineLimit: 0,
    sourcemap: false,
    // Which chunk needs which, for the budget.
    manifest: true,
    rollupOptions: {
      onwarn(warning, warn) {
        // Comments in libraries, at places where they say nothing to the bundler.
        if (warning.code !== "INVALID_ANNOTATION") warn(warning);
      },
    },
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
    // Tests wait for what is to come; on a machine that is busy it takes longer.
    testTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
