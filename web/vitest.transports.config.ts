/** The realtime client's flows against a running node: `CHAT_URL=http://127.0.0.1:8000 npm run test:transports`. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: {
    environment: "node",
    include: ["src/**/*.transports.ts"],
    // Node 20 has a WebSocket, and does not show it without being asked.
    poolOptions: { forks: { execArgv: ["--experimental-websocket"] } },
  },
});
