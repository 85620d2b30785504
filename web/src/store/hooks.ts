/** The realtime side's state, for components. Each hook renders again only when what it returns has changed. */
import { useEffect } from "react";
import { useStore } from "zustand";
import type {
  Chat,
  ChatId,
  ConnectionState,
  History,
  Person,
  RealtimeState,
  UserId,
} from "@/realtime/realtime";
import type { OwnUser } from "@/types/socket";
import { useRealtime } from "./context";

const NOBODY: readonly UserId[] = [];

export function useRealtimeState<T>(select: (state: RealtimeState) => T): T {
  return useStore(useRealtime().state, select);
}

export const useConnection = (): ConnectionState => useRealtimeState((state) => state.connection);
export const useOpened = (): boolean => useRealtimeState((state) => state.opened);
export const useChatOrder = (): readonly ChatId[] => useRealtimeState((state) => state.chatOrder);
export const useChat = (id: ChatId): Chat | undefined => useRealtimeState((state) => state.chats.get(id));
export const useHistory = (id: ChatId): History | undefined =>
  useRealtimeState((state) => state.histories.get(id));
export const useTyping = (id: ChatId): readonly UserId[] =>
  useRealtimeState((state) => state.typing.get(id) ?? NOBODY);

/** Who is signed in. Below the part of the interface that needs a session there is always somebody. */
export function useMe(): OwnUser {
  const me = useRealtimeState((state) => state.me);
  if (me === null) throw new Error("useMe before the session is there");
  return me;
}

/** Somebody's profile; asked for when it is not known. `anew`: also when it is, where somebody comes to look at this one person. */
export function usePerson(id: UserId | null, anew = false): Person | undefined {
  const client = useRealtime();
  const person = useRealtimeState((state) => (id === null ? undefined : state.people.get(id)));
  useEffect(() => {
    if (id !== null) client.wantPeople([id], anew);
  }, [client, id, anew]);
  return person;
}

/** What a chat is called: its title, or for a direct chat the other's name. */
export function useChatTitle(chat: Chat | undefined): string {
  const peer = usePerson(chat?.peer_id ?? null);
  return chat?.type === "direct" ? (peer?.name ?? "") : (chat?.title ?? "");
}
