/** Many messages, faster than one call each would send them: over a socket, as a client of somebody's would. */
import type { Page } from "@playwright/test";
import type { Chat, Person } from "./people";

export interface FloodMessage {
  chat: Chat;
  text: string;
  replyTo?: number;
}

/** How many are on their way at once. */
const WINDOW = 100;

/** Sends them in this order in `from`'s name, from a page of theirs that is not signed in. `perSecond` paces them; without it they go as fast as they are answered. */
export async function flood(
  from: Person,
  messages: readonly FloodMessage[],
  perSecond = Number.POSITIVE_INFINITY,
): Promise<void> {
  const page = await from.context.newPage();
  await page.goto(`${from.url}/signin`);
  await pour(page, from.session.access_token, messages, perSecond);
  await page.close();
}

function pour(page: Page, token: string, messages: readonly FloodMessage[], perSecond: number) {
  const bodies = messages.map(({ chat, text, replyTo }) => ({
    chat_id: chat.id,
    type: "text",
    content: { text },
    ...(replyTo !== undefined && { reply_to: replyTo }),
  }));
  return page.evaluate(
    async ({ token, bodies, most, paceMs }) => {
      const address = `${location.origin.replace("http", "ws")}/socket/websocket?vsn=2.0.0&token=${token}`;
      const socket = new WebSocket(address);
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error("the socket does not open"));
      });
      await new Promise<void>((resolve, reject) => {
        let next = 0;
        let answered = 0;
        const began = performance.now();
        const ids = bodies.map(() => crypto.randomUUID());
        const join = () =>
          socket.send(JSON.stringify(["0", "join", "me", "phx_join", { known: {}, limit: 0 }]));
        const push = (index: number) => {
          const body = { ...bodies[index], client_id: ids[index] };
          socket.send(JSON.stringify(["0", String(index), "me", "message:send", body]));
        };
        const more = () => {
          const due = paceMs === 0 ? bodies.length : Math.floor((performance.now() - began) / paceMs) + 1;
          for (; next < Math.min(due, bodies.length, answered + most); next += 1) push(next);
        };
        const timer = paceMs === 0 ? undefined : setInterval(more, paceMs);
        socket.onclose = ({ code }) => reject(new Error(`the socket closed with ${code}`));
        socket.onmessage = ({ data }) => {
          const [, ref, , event, { status, response }] = JSON.parse(data);
          if (event !== "phx_reply") return;
          if (status !== "ok") {
            const wait = response.retry_after_ms;
            if (wait === undefined) reject(new Error(JSON.stringify(response)));
            else setTimeout(() => (ref === "join" ? join() : push(Number(ref))), wait);
            return;
          }
          if (ref !== "join") answered += 1;
          if (answered === bodies.length) {
            clearInterval(timer);
            resolve();
          } else more();
        };
        join();
      });
      socket.onclose = null;
      socket.close();
    },
    { token, bodies, most: WINDOW, paceMs: Number.isFinite(perSecond) ? 1_000 / perSecond : 0 },
  );
}
