// @vitest-environment node
import { vi } from "vitest";
import { Device } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import { flows } from "./flows";
import type { World } from "./world";

const LONGEST_MS = 120_000;
const STEP_MS = 20;

function memoryWorld(): World {
  vi.useFakeTimers();
  const server = new SimulatedServer();
  const devices: Device[] = [];
  let chats = 0;
  return {
    async person(name) {
      server.addUser(name);
      const device = new Device(server, name);
      devices.push(device);
      await device.client.start();
      return device;
    },
    async chat(type, members) {
      chats += 1;
      server.addChat(
        `chat-${chats}`,
        type,
        members.map((member) => member.userId),
      );
      return `chat-${chats}`;
    },
    async until(check) {
      for (let passed = 0; ; passed += STEP_MS) {
        await vi.advanceTimersByTimeAsync(STEP_MS);
        try {
          check();
          return;
        } catch (error) {
          if (passed > LONGEST_MS) throw error;
        }
      }
    },
    async end() {
      for (const device of devices) await device.client.stop();
      vi.useRealTimers();
    },
  };
}

flows("in memory", memoryWorld);
