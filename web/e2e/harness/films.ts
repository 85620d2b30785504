/** Videos that people send. */
import type { Page } from "@playwright/test";
import type { TestFile } from "./pictures";

/** A film of something that moves, recorded by the page itself: it is as long as it takes to draw so many pictures of it. */
export async function film(page: Page, name: string, pictures = 90): Promise<TestFile> {
  const bytes = await page.evaluate(async (count) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    const recorder = new MediaRecorder(canvas.captureStream(), { mimeType: "video/webm" });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => void parts.push(data);
    const ended = new Promise((resolve) => {
      recorder.onstop = resolve;
    });
    recorder.start();
    for (let drawn = 0; drawn < count; drawn += 1) {
      context.fillStyle = `hsl(${(drawn * 4) % 360} 80% 50%)`;
      context.fillRect(0, 0, 160, 120);
      context.fillStyle = "#fff";
      context.fillRect((drawn * 2) % 140, 50, 20, 20);
      await new Promise(requestAnimationFrame);
    }
    recorder.stop();
    await ended;
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())];
  }, pictures);
  return { name, mimeType: "video/webm", buffer: Buffer.from(bytes) };
}
