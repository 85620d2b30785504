/** First sign-in of somebody with many chats: whom the client asks for. */
import { waitFor } from "@testing-library/react";
import { beforeAll, expect, test } from "vitest";
import { ChatList } from "@/chat/ChatList";
import { giveSizes } from "@/testing/layout";
import { aChat, aMessage, fakeRealtime } from "@/testing/realtime";
import { renderPage } from "@/testing/render";
import { useLanguage } from "@/testing/translations";

beforeAll(async () => {
  giveSizes();
  await useLanguage("en");
});

test("of five hundred chats only those on the screen ask who they are with", async () => {
  const chats = Array.from({ length: 500 }, (_, index) => {
    const id = `c${index}`;
    const last_message = aMessage({ chat_id: id, sender_id: `user-${index}` });
    return aChat({ id, peer_id: `user-${index}`, last_message });
  });
  const client = fakeRealtime({ chats: new Map(chats.map((chat) => [chat.id, chat])) });
  renderPage(<ChatList />, { realtime: client });
  const wanted = () =>
    new Set(client.calls.flatMap((call) => (call[0] === "wantPeople" ? call[1] : []))).size;
  await waitFor(() => expect(wanted()).toBeGreaterThan(0));
  await waitFor(() => expect(document.querySelectorAll("a").length).toBeGreaterThan(2));
  expect(wanted()).toBeLessThan(60);
});
