/** Files to send, made here: a landscape, and a tone. */
import type { Page } from "@playwright/test";

/** Hills in the evening, drawn by the page. */
export async function picture(page: Page): Promise<Buffer> {
  const bytes = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 960, height: 640 });
    const draw = canvas.getContext("2d");
    if (draw === null) throw new Error("nothing can be drawn");
    const sky = draw.createLinearGradient(0, 0, 0, 460);
    for (const [at, colour] of [
      [0, "#2b3a67"],
      [0.5, "#b56b8c"],
      [0.8, "#f2a66f"],
      [1, "#fbe3b0"],
    ] as const) {
      sky.addColorStop(at, colour);
    }
    draw.fillStyle = sky;
    draw.fillRect(0, 0, 960, 640);
    draw.fillStyle = "#fff3cf";
    draw.beginPath();
    draw.arc(650, 360, 44, 0, Math.PI * 2);
    draw.fill();
    ["#7d5a86", "#55456f", "#372f55", "#1f1c38"].forEach((colour, layer) => {
      draw.fillStyle = colour;
      draw.beginPath();
      draw.moveTo(0, 640);
      for (let x = 0; x <= 960; x += 6) {
        const hill = Math.sin(x / (150 - layer * 18) + layer * 2.1) * 42 + Math.sin(x / 53 + layer) * 13;
        draw.lineTo(x, 400 + layer * 62 - hill);
      }
      draw.lineTo(960, 640);
      draw.fill();
    });
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
    return [...new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer())];
  });
  return Buffer.from(bytes);
}

/** A quiet tone, as a WAV file. */
export function tone(seconds: number): Buffer {
  const rate = 8_000;
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + seconds * rate, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write("data", 36);
  head.writeUInt32LE(seconds * rate, 40);
  const wave = Buffer.from(
    Uint8Array.from(
      { length: seconds * rate },
      (_, i) => 128 + 20 * Math.sin((i / rate) * 440 * 2 * Math.PI),
    ),
  );
  return Buffer.concat([head, wave]);
}
