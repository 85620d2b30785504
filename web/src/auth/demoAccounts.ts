/** What a local run offers to try things with. A server for real people says nothing here. */
import { useEffect, useState } from "react";

export interface DemoAccount {
  name: string;
  phone: string;
  password: string;
}

function isAccount(value: unknown): value is DemoAccount {
  return (
    typeof value === "object" &&
    value !== null &&
    ["name", "phone", "password"].every((key) => typeof (value as Record<string, unknown>)[key] === "string")
  );
}

/** The accounts in `/client.json`; none if it is not there, or not what is expected. */
export async function demoAccounts(): Promise<readonly DemoAccount[]> {
  const answer = await fetch("/client.json");
  if (!answer.ok || !(answer.headers.get("Content-Type") ?? "").includes("json")) return [];
  const body = (await answer.json()) as { demo_accounts?: unknown } | null;
  return Array.isArray(body?.demo_accounts) ? body.demo_accounts.filter(isAccount) : [];
}

export function useDemoAccounts(): readonly DemoAccount[] {
  const [accounts, setAccounts] = useState<readonly DemoAccount[]>([]);
  useEffect(() => {
    // They are an offer: where they cannot be had, one signs in by hand, which then says what is wrong.
    demoAccounts().then(setAccounts, () => setAccounts([]));
  }, []);
  return accounts;
}
