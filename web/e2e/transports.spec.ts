/** The realtime client by itself, against the nodes, over each transport of the official client. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, stack, test } from "./harness/test";

test("all flows hold over a WebSocket, over long-polling, and where no WebSocket comes through", async () => {
  test.slow();
  const { code, said } = await run("test:transports", { CHAT_URL: stack().url });
  expect(code, said).toBe(0);
});

/** A script of `package.json`, and how it ended. */
function run(script: string, settings: Record<string, string>): Promise<{ code: number; said: string }> {
  const options = {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, ...settings },
    maxBuffer: 16 * 2 ** 20,
  };
  return new Promise((resolve) => {
    const child = execFile("npm", ["run", "--silent", script], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, said: stdout + stderr }),
    );
  });
}
