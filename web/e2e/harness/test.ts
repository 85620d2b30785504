/** What every spec imports: `test` with people, and with an end that fails if a page was in trouble. */
import { type BrowserContext, test as base } from "@playwright/test";
import { newContext, type Options, Person } from "./people";
import { Trouble } from "./trouble";

interface Fixtures {
  /** What the pages of this test may not do; checked at its end. */
  trouble: Trouble;
  /** Somebody new, with an account, signed in in a browser of their own. */
  person: (name: string, options?: Options) => Promise<Person>;
  /** Somebody new, who has just made their account in their browser. */
  newcomer: (name: string, options?: Options) => Promise<Person>;
  /** All of them; their browsers are closed at the end. */
  people: Person[];
  /** A browser in which nobody is signed in. */
  stranger: (options?: Options) => Promise<BrowserContext>;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads what a fixture needs from this pattern
  trouble: async ({}, use) => {
    const trouble = new Trouble();
    await use(trouble);
    trouble.check();
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  people: async ({}, use) => {
    const people: Person[] = [];
    await use(people);
    await Promise.all(people.map((person) => person.leave()));
  },
  person: async ({ browser, trouble, people }, use) => {
    await use(async (name, options) => {
      const person = await Person.make(browser, trouble, name, options);
      people.push(person);
      return person;
    });
  },
  newcomer: async ({ browser, trouble, people }, use) => {
    await use(async (name, options) => {
      const person = await Person.signUp(browser, trouble, name, options);
      people.push(person);
      return person;
    });
  },
  stranger: async ({ browser, trouble }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await newContext(browser, trouble, "a stranger", options);
      contexts.push(context);
      return context;
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});

export { expect } from "@playwright/test";
export { expectAccessible } from "./axe";
export { killNode, nodeReady } from "./nodes";
export { type Chat, type Message, newPhone, type Options, PASSWORD, Person } from "./people";
export { nodeUrl, stack } from "./stack";
export { Talk } from "./talk";
