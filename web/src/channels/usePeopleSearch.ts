/** What a search for people shows: those one knows by name, and somebody new by their phone number. */
import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import type { Person } from "@/realtime/realtime";
import { useMe } from "@/store/hooks";
import { looksLikePhone, matches, useContacts } from "./people";
import { personByPhone } from "./person";
import { type Phone, phoneOf } from "./phone";

export type Entry =
  | { kind: "person"; person: Person; phone: Phone | null }
  /** Asks the server who has this number. */
  | { kind: "find"; phone: Phone };

export interface PeopleSearch {
  query: string;
  setQuery: (query: string) => void;
  entries: readonly Entry[];
  find: (phone: Phone) => void;
  finding: boolean;
  /** The number that was looked up and that nobody has. */
  nobody: Phone | null;
  error: Error | null;
}

/** @param without people who are not to be found: oneself always, and whoever is there already. */
export function usePeopleSearch(without: ReadonlySet<string>): PeopleSearch {
  const me = useMe();
  const contacts = useContacts();
  const [query, setQuery] = useState("");
  const lookup = useMutation({ mutationFn: (phone: Phone) => personByPhone(phone.e164) });

  const phone = useMemo(() => (looksLikePhone(query) ? phoneOf(query, me.phone) : null), [query, me.phone]);
  const asked = phone !== null && lookup.variables?.e164 === phone.e164;
  const found = asked ? lookup.data : undefined;

  const entries = useMemo(() => {
    const all: Entry[] = [];
    if (phone !== null && found !== null) {
      if (found === undefined) all.push({ kind: "find", phone });
      else if (!without.has(found.id)) all.push({ kind: "person", person: found, phone });
    }
    for (const person of contacts) {
      if (person.id !== found?.id && !without.has(person.id) && matches(person.name, query))
        all.push({ kind: "person", person, phone: null });
    }
    return all;
  }, [phone, found, contacts, without, query]);

  return {
    query,
    setQuery,
    entries,
    find: lookup.mutate,
    finding: lookup.isPending,
    nobody: found === null ? phone : null,
    error: asked ? lookup.error : null,
  };
}
