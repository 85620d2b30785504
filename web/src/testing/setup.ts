import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// jsdom has no CSS.escape, which dialogs and menus look elements up with.
globalThis.CSS ??= { escape: (text: string) => text.replace(/[^\w-]/g, (char) => `\\${char}`) } as typeof CSS;

// A call is stopped by an `AbortSignal` of jsdom's, which Node's `Request` does not take for one. No test waits for a call to be stopped.
const NodeRequest = globalThis.Request;
globalThis.Request = class extends NodeRequest {
  constructor(input: RequestInfo | URL, init: RequestInit = {}) {
    const { signal, ...rest } = init;
    super(input, signal instanceof EventTarget ? rest : init);
  }
};

// Tests wait for what is to come; on a machine that is busy it takes longer.
configure({ asyncUtilTimeout: 10_000 });

afterEach(cleanup);
