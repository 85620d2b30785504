/** The data of the emoji picker, from our own origin: `/emoji/en/data.json` and `/emoji/en/messages.json`, while developing and in what is built. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Plugin } from "vite";

const FILES = ["en/data.json", "en/messages.json"];

export function emojiData(): Plugin {
  const require = createRequire(import.meta.url);
  const read = (file: string) => readFile(require.resolve(`emojibase-data/${file}`));
  return {
    name: "emoji-data",
    configureServer(server) {
      for (const file of FILES)
        server.middlewares.use(`/emoji/${file}`, (_, answer, next) => {
          read(file).then((body) => {
            answer.setHeader("Content-Type", "application/json");
            answer.end(body);
          }, next);
        });
    },
    async generateBundle() {
      for (const file of FILES)
        this.emitFile({ type: "asset", fileName: `emoji/${file}`, source: await read(file) });
    },
  };
}
