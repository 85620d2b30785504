import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, expect, test, vi } from "vitest";
import { aMessage, fakeRealtime } from "@/testing/realtime";
import { renderPage } from "@/testing/render";
import { serveRest } from "@/testing/rest";
import { useLanguage } from "@/testing/translations";
import { overlays } from "../overlays";
import { SharedPane } from "./SharedPane";

beforeAll(async () => {
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  await useLanguage("en");
});

const photo = (seq: number) =>
  aMessage({ seq, type: "image", media_id: `m${seq}`, sender_id: "u1", content: { width: 1, height: 1 } });

test("shows pictures, which open among those of the whole chat", async () => {
  const asked = serveRest({
    "GET /api/v1/chats/c1/messages": () => ({ body: { items: [photo(2), photo(5)], next: null, rev: null } }),
  });
  renderPage(<SharedPane chatId="c1" />, { realtime: fakeRealtime() });
  const tiles = await screen.findAllByRole("button", { name: /^Open: Your photo/ });
  expect(tiles.map((tile) => tile.dataset.seq)).toEqual(["5", "2"]);
  expect(asked[0]?.query.getAll("type")).toEqual(["image", "video"]);
  expect(tiles.map((tile) => tile.tabIndex)).toEqual([0, -1]);
  await userEvent.click(tiles[1] as HTMLElement);
  expect(overlays.getState().viewing).toEqual({ chatId: "c1", seq: 2, from: "shared" });
});

test("says that there are none", async () => {
  serveRest({ "GET /api/v1/chats/c1/messages": () => ({ body: { items: [], next: null, rev: null } }) });
  renderPage(<SharedPane chatId="c1" />, { realtime: fakeRealtime() });
  expect(await screen.findByText("No photos or videos yet")).toBeTruthy();
  await userEvent.click(screen.getByRole("tab", { name: "Documents" }));
  expect(await screen.findByText("No documents yet")).toBeTruthy();
});

test("without a connection shows what is here, and says so", async () => {
  serveRest({});
  const history = {
    messages: [photo(1), aMessage({ seq: 2 }), photo(3)],
    outgoing: [],
    hasOlder: true,
    hasNewer: false,
    loading: false,
    firstUnread: null,
  };
  const realtime = fakeRealtime({
    connection: { status: "offline" },
    histories: new Map([["c1", history]]),
  });
  renderPage(<SharedPane chatId="c1" />, { realtime });
  await waitFor(() => expect(screen.getByText(/There is no connection/)).toBeTruthy());
  expect(screen.getAllByRole("button", { name: /^Open/ }).map((tile) => tile.dataset.seq)).toEqual([
    "3",
    "1",
  ]);
});
