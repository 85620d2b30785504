/** The client as it comes from the nodes, through nginx. */
import { expect, nodeUrl, stack, test } from "./harness/test";

test("every address of the client is its page, from every node; what is not there is told as a problem", async ({
  request,
}) => {
  for (const origin of [stack().url, nodeUrl(1), nodeUrl(2)]) {
    const page = await request.get(`${origin}/chats/somewhere`, { headers: { Accept: "text/html" } });
    expect(page.status()).toBe(200);
    expect(page.headers()["content-security-policy"]).toContain("default-src 'none'");
    expect(page.headers()["cache-control"]).toBe("no-cache");
    expect(await page.text()).toContain('<div id="root">');
    const missing = await request.get(`${origin}/assets/missing.js`, { headers: { Accept: "text/html" } });
    expect([missing.status(), (await missing.json()).code]).toEqual([404, "not_found"]);
  }
});

test("the page loads without a breach of its policy, its scripts compressed, to be kept for ever", async ({
  stranger,
}) => {
  const context = await stranger();
  const page = await context.newPage();
  const scripts = new Map<string, Promise<Record<string, string>>>();
  page.on("response", (response) => {
    if (response.url().includes("/assets/") && response.url().endsWith(".js"))
      scripts.set(response.url(), response.allHeaders());
  });
  await page.goto("/");
  await page.waitForLoadState("networkidle");
  expect(scripts.size).toBeGreaterThan(0);
  for (const headers of await Promise.all(scripts.values())) {
    expect(headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    if (Number(headers["content-length"]) > 1_000) expect(headers["content-encoding"]).toMatch(/^(br|gzip)$/);
  }
});

test("what is injected into the page does not run", async ({ stranger, trouble }) => {
  const context = await stranger();
  const page = await context.newPage();
  await page.goto("/");
  trouble.allow(/Content.Security.Policy/i, /nothing\.png/);
  const ran = await page.evaluate(async () => {
    const seen = window as unknown as { ran: string[] };
    seen.ran = [];
    const script = document.createElement("script");
    script.textContent = "window.ran.push('inline')";
    const elsewhere = document.createElement("script");
    elsewhere.src = "data:text/javascript,window.ran.push('data')";
    const image = document.createElement("img");
    image.setAttribute("onerror", "window.ran.push('handler')");
    image.src = "/nothing.png";
    document.body.append(script, elsewhere, image);
    await new Promise((resolve) => elsewhere.addEventListener("error", resolve, { once: true }));
    try {
      new Function("window.ran.push('eval')")();
    } catch {
      // As it should be.
    }
    return seen.ran;
  });
  expect(ran).toEqual([]);
});

test("a browser stores a file at the object store itself, and shows what it fetches from there", async ({
  person,
}) => {
  const ada = await person("Ada");
  const chat = await ada.group("Pictures");
  await ada.goto("/");
  const picture = await ada.page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    return [...new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer())];
  });
  const wanted = { kind: "image", content_type: "image/png", size: picture.length };
  const begun = await ada.api<{ media_id: string; upload: { url: string; headers: Record<string, string> } }>(
    "POST",
    "/media/uploads",
    wanted,
  );
  const stored = await ada.page.evaluate(
    async ([upload, bytes]) => {
      const body = new Blob([new Uint8Array(bytes)], { type: "image/png" });
      return (await fetch(upload.url, { method: "PUT", headers: upload.headers, body })).status;
    },
    [begun.upload, picture] as const,
  );
  expect(stored).toBe(200);
  await ada.send(chat, "", { type: "image", media_id: begun.media_id, content: { width: 8, height: 8 } });
  const { url } = await ada.api<{ url: string }>("GET", `/media/${begun.media_id}`);
  const width = await ada.page.evaluate(async (source) => {
    const image = Object.assign(new Image(), { src: source });
    await image.decode();
    return image.naturalWidth;
  }, url);
  expect(width).toBe(8);
});
