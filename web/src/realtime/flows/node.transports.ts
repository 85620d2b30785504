/** The flows against a running node (`CHAT_URL`), over each transport of the official client: `npm run test:transports`. */
import { vi } from "vitest";
import type { components } from "@/types/openapi";
import { flows } from "./flows";
import { NodePerson, post } from "./nodePerson";
import type { World } from "./world";

type SessionView = components["schemas"]["SessionView"];

const url = process.env.CHAT_URL;
if (url === undefined) throw new Error("CHAT_URL is the address of the node to test with");

const PATIENCE = { timeout: 30_000, interval: 20 };
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** A WebSocket that a firewall swallows. */
class Swallowed {
  readyState = 0;
  bufferedAmount = 0;
  close(): void {
    this.readyState = 3;
  }
}

function nodeWorld(carrier: "websocket" | "longpoll" | "either", webSocket?: unknown): () => World {
  return () => {
    const people: NodePerson[] = [];
    return {
      async person(name) {
        const phone = `+1202${String(Math.floor(Math.random() * 1e7)).padStart(7, "0")}`;
        const session = await post<SessionView>(url as string, "/auth/signup", null, {
          name,
          phone,
          password: "a good password of some length",
          device: { name: "test", platform: "web" },
        });
        const person = new NodePerson(url as string, session, {
          carrier,
          ...(webSocket === undefined ? {} : { webSocket }),
        });
        people.push(person);
        await person.client.start();
        return person;
      },
      async chat(type, members) {
        const [first, ...others] = members as NodePerson[];
        if (first === undefined) throw new Error("a chat without members");
        const ids = others.map((member) => member.userId);
        const body =
          type === "direct" ? { type, user_id: ids[0] } : { type, title: "A group", member_ids: ids };
        return (await post<{ id: string }>(url as string, "/chats", first.token, body)).id;
      },
      until: (check) => vi.waitFor(check, PATIENCE),
      async end() {
        for (const person of people) await person.client.stop();
      },
    };
  };
}

flows("over a WebSocket", nodeWorld("websocket"));
flows("over long-polling", nodeWorld("longpoll"));
flows("over long-polling, because no WebSocket comes through", nodeWorld("either", Swallowed));
