/** The people to choose from: those whom one has a direct chat with. Others are found by their phone number. */

import { useEffect, useMemo } from "react";
import type { Person, RealtimeState } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useRealtimeState } from "@/store/hooks";
import { folded } from "@/ui/folded";

/** By name; without accounts that are deleted, and without those that nothing is known of yet. */
export function contactsOf({ chats, people }: Pick<RealtimeState, "chats" | "people">): Person[] {
  const found: Person[] = [];
  for (const { peer_id: id } of chats.values()) {
    const person = id === null ? undefined : people.get(id);
    if (person !== undefined && !person.deleted) found.push(person);
  }
  return found.sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1));
}

/** As one types: letters without their accents, every word the beginning of one of the name's, in any order. */
export function matches(name: string, query: string): boolean {
  const words = folded(name).split(/[\s\p{P}]+/u);
  return folded(query)
    .split(/\s+/)
    .filter((part) => part !== "")
    .every((part) => words.some((word) => word.startsWith(part)));
}

export function useContacts(): Person[] {
  const chats = useRealtimeState((state) => state.chats);
  const people = useRealtimeState((state) => state.people);
  const client = useRealtime();
  useEffect(() => {
    const peers = [...chats.values()].flatMap(({ peer_id: id }) => (id === null ? [] : [id]));
    client.wantPeople(peers.filter((id) => !people.has(id)));
  }, [client, chats, people]);
  return useMemo(() => contactsOf({ chats, people }), [chats, people]);
}

/** Whether this could be a phone number rather than a name, so that it is offered to look it up. */
export function looksLikePhone(text: string): boolean {
  return /^[\s()./\-+\d\u0660-\u0669]*$/.test(text) && text.replaceAll(/\D/g, "").length >= 3;
}
