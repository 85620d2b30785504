import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { Role } from "@/types/socket";
import { type ChatAction, type ChatType, may, mayAdd, mayRemove, maySetRole } from "./permissions";

const page = readFileSync(resolve(process.cwd(), "../docs/permissions.md"), "utf8");

/** The rows of the first table below a heading, as cells. */
function table(heading: string): string[][] {
  const lines = page
    .slice(page.indexOf(`\n## ${heading}\n`))
    .split("\n")
    .slice(2);
  const from = lines.findIndex((line) => line.startsWith("|"));
  const length = lines.slice(from).findIndex((line) => !line.startsWith("|"));
  return lines.slice(from, from + length).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

const ASKED: readonly ChatAction[] = [
  "send",
  "delete_other",
  "receipts_own",
  "receipts_other",
  "list_members",
  "pin",
  "mute",
  "update_chat",
  "invite",
  "delete_chat",
  "leave",
];

describe("what docs/permissions.md says of a chat", () => {
  const [head = [], , ...rows] = table("In a chat");
  const columns = head.slice(2).map((name) => name.split(": ") as [ChatType, Role]);

  it.each(ASKED)("%s", (action) => {
    const row = rows.find(([, name]) => name === action);
    const said = columns.map(([type, role]) => may(action, type, role));
    expect(said).toEqual(row?.slice(2).map((cell) => cell === "yes"));
    expect(said).toHaveLength(7);
  });
});

describe("what docs/permissions.md says of members", () => {
  const [head = [], , ...rows] = table("Members of a group or channel");
  const roles = head.slice(4) as Role[];
  const cases = rows.map((cells) => ({
    action: cells[1] ?? "",
    target: (cells[2] ?? "") as Role,
    becomes: (cells[3] ?? "") as Role,
    allowed: cells.slice(4).map((cell) => cell === "yes"),
  }));

  it("has all three actions", () => {
    expect(new Set(cases.map(({ action }) => action))).toEqual(
      new Set(["add_member", "set_role", "remove_member"]),
    );
    expect(roles).toEqual(["owner", "admin", "member"]);
  });

  it.each(cases)("$action of $target to $becomes", ({ action, target, becomes, allowed }) => {
    // Making somebody an owner cannot be asked for, so it is not a question here.
    if (action === "set_role" && becomes === "owner") return;
    for (const type of ["group", "channel"] as const) {
      const said = roles.map((role) => {
        if (action === "add_member") return mayAdd(type, role, becomes);
        if (action === "set_role") return maySetRole(type, role, target);
        return mayRemove(type, role, target);
      });
      expect(said).toEqual(allowed);
    }
  });

  it("lets nobody do any of it in a direct chat", () => {
    expect(mayAdd("direct", "member")).toBe(false);
    expect(maySetRole("direct", "member", "member")).toBe(false);
    expect(mayRemove("direct", "member", "member")).toBe(false);
  });
});
