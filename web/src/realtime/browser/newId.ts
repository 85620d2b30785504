/** 128 random bits. Unlike `crypto.randomUUID`, also on a page that came without TLS, which is a trial on a local network. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
