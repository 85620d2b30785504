/** Whether a picture moves. Drawing it anew would leave its first frame. */

const ascii = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));

/** Looks at the first bytes alone. A GIF counts as moving: that one frame of it is all there is cannot be seen from its head. */
export function isAnimated(head: Uint8Array): boolean {
  if (ascii(head, 0, 3) === "GIF") return true;
  // RIFF....WEBPVP8X, four bytes of length, then the flags: bit 1 is "animation".
  if (ascii(head, 0, 4) === "RIFF" && ascii(head, 8, 8) === "WEBPVP8X") return ((head[20] ?? 0) & 0x02) !== 0;
  // AVIF sequences say so in their brands.
  if (ascii(head, 4, 4) === "ftyp") return ascii(head, 8, 32).includes("avis");
  // APNG: a chunk acTL before the first IDAT.
  if (ascii(head, 1, 3) === "PNG") {
    const text = ascii(head, 0, head.length);
    const control = text.indexOf("acTL");
    const data = text.indexOf("IDAT");
    return control !== -1 && (data === -1 || control < data);
  }
  return false;
}
