/** What people do, the same over every transport. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ChatId } from "../realtime";
import type { FlowDevice, World } from "./world";

const online = (device: FlowDevice) => () => expect(device.state.connection).toEqual({ status: "online" });
const offline = (device: FlowDevice) => () => expect(device.state.connection).toEqual({ status: "offline" });

export function flows(name: string, make: () => World): void {
  describe(name, () => {
    let world: World;
    let ann: FlowDevice;
    let ben: FlowDevice;
    let chat: ChatId;

    beforeEach(async () => {
      world = make();
      ann = await world.person("Ann");
      ben = await world.person("Ben");
      await world.until(online(ann));
      await world.until(online(ben));
      chat = await world.chat("direct", [ann, ben]);
      for (const device of [ann, ben])
        await world.until(() => expect(device.state.chats.has(chat)).toBe(true));
    });

    afterEach(() => world.end());

    test("a message is sent, delivered and read, and both see how far it has come", async () => {
      ann.client.openChat(chat);
      ben.client.openChat(chat);
      await ann.send(chat, "hello");
      await world.until(() => expect(ben.texts(chat)).toEqual(["hello"]));
      expect(ben.chat(chat).unread).toBe(1);
      await world.until(() => expect(ann.chat(chat).deliveredByAll).toBe(1));
      expect(ann.chat(chat).readByAll).toBe(0);
      expect(ann.history(chat).outgoing).toEqual([]);
      ben.client.markRead(chat, 1);
      await world.until(() => expect(ben.chat(chat).unread).toBe(0));
      await world.until(() => expect(ann.chat(chat).readByAll).toBe(1));
      expect(ann.chat(chat).unread).toBe(0);
    });

    test("what is written without a network is sent once, in order, when there is one", async () => {
      ben.client.openChat(chat);
      ann.client.openChat(chat);
      ann.network.set(false);
      await world.until(offline(ann));
      const written = Array.from({ length: 5 }, (_, index) => `line ${index}`);
      for (const text of written) await ann.send(chat, text);
      expect(ann.history(chat).outgoing.map((each) => each.status)).toEqual(written.map(() => "waiting"));
      await ann.reload();
      ann.client.openChat(chat);
      await world.until(() => expect(ann.history(chat).outgoing.length).toBe(5));
      ann.network.set(true);
      await world.until(() => expect(ben.texts(chat)).toEqual(written));
      await world.until(() => expect(ann.texts(chat)).toEqual(written));
      expect(ann.history(chat).outgoing).toEqual([]);
    });

    test("what happened while one was away is there afterwards: new, edited and deleted messages, without a hole", async () => {
      ann.client.openChat(chat);
      ben.client.openChat(chat);
      for (const text of ["one", "two", "three"]) await ben.send(chat, text);
      await world.until(() => expect(ann.texts(chat)).toEqual(["one", "two", "three"]));
      ann.network.set(false);
      await world.until(offline(ann));
      const edited = ben.client.edit(chat, 1, { text: "one, edited" });
      const removed = ben.client.remove(chat, 2);
      await ben.send(chat, "four");
      await world.until(() => expect(ben.texts(chat)).toEqual(["one, edited", "(deleted)", "three", "four"]));
      await Promise.all([edited, removed]);
      ann.network.set(true);
      await world.until(() => expect(ann.texts(chat)).toEqual(["one, edited", "(deleted)", "three", "four"]));
      expect(ann.chat(chat).unread).toBe(3);
    });

    test("more is missed than a join's answer holds", async () => {
      const written = Array.from({ length: 130 }, (_, index) => `line ${index}`);
      ann.network.set(false);
      await world.until(offline(ann));
      for (const text of written) await ben.send(chat, text);
      await world.until(() => expect(ben.chat(chat).last_seq).toBe(130));
      ann.network.set(true);
      await world.until(online(ann));
      expect(ann.chat(chat).unread).toBe(130);
      ann.client.openChat(chat);
      await world.until(() => expect(ann.texts(chat).at(-1)).toBe("line 129"));
      await world.until(() => {
        void ann.client.loadOlder(chat);
        expect(ann.texts(chat)).toEqual(written);
      });
    });

    test("who types and who is there is seen, and no longer when they are gone", async () => {
      ann.client.openChat(chat);
      const close = ben.client.openChat(chat);
      await world.until(() => expect(ann.state.present.get(chat)).toEqual([ben.userId]));
      ben.client.typing(chat, true);
      await world.until(() => expect(ann.state.typing.get(chat)).toEqual([ben.userId]));
      ben.client.typing(chat, false);
      await world.until(() => expect(ann.state.typing.get(chat)).toBeUndefined());
      close();
      await world.until(() => expect(ann.state.present.get(chat)).toBeUndefined());
    });

    test("what was read without a network is told when there is one", async () => {
      await ben.send(chat, "hello");
      await world.until(() => expect(ann.chat(chat).unread).toBe(1));
      ann.network.set(false);
      await world.until(offline(ann));
      ann.client.markRead(chat, 1);
      await world.until(() => expect(ann.chat(chat).unread).toBe(0));
      await ann.reload();
      expect(ann.chat(chat).unread).toBe(0);
      ann.network.set(true);
      await world.until(() => expect(ben.chat(chat).readByAll).toBe(1));
    });

    test("a group: everybody gets everything, and ticks are those of the slowest", async () => {
      const cleo = await world.person("Cleo");
      const group = await world.chat("group", [ann, ben, cleo]);
      for (const device of [ann, ben, cleo])
        await world.until(() => expect(device.state.chats.has(group)).toBe(true));
      ann.client.openChat(group);
      cleo.network.set(false);
      await world.until(offline(cleo));
      await ann.send(group, "hello");
      await world.until(() => expect(ben.chat(group).unread).toBe(1));
      ben.client.markRead(group, 1);
      await world.until(() => expect(ann.chat(group).last_seq).toBe(1));
      expect(ann.chat(group).deliveredByAll).toBe(0);
      cleo.network.set(true);
      await world.until(() => expect(ann.chat(group).deliveredByAll).toBe(1));
      cleo.client.markRead(group, 1);
      await world.until(() => expect(ann.chat(group).readByAll).toBe(1));
    });
  });
}
