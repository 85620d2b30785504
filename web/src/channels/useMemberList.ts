import { useMemo } from "react";
import { useMe, useRealtimeState } from "@/store/hooks";
import { inOrder, type Member, useMembers } from "./members";

/** The members of a chat that have been asked for so far, as a list shows them. */
export function useMemberList(chatId: string) {
  const { data, ...query } = useMembers(chatId);
  const me = useMe();
  const people = useRealtimeState((state) => state.people);
  const members: readonly Member[] = useMemo(() => {
    const all = data?.pages.flatMap(({ items }) => items) ?? [];
    const complete = data?.pages.length === 1 && data.pages[0]?.next === null;
    return inOrder(all, {
      complete,
      me: me.id,
      nameOf: (id) => people.get(id)?.name ?? "",
    });
  }, [data, me.id, people]);
  return { ...query, members };
}
