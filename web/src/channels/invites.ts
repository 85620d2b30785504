/** Links by which people come into a group or channel by themselves. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ok } from "@/api/client";
import type { components } from "@/types/openapi";
import { forgetLink, rememberLink } from "./madeHere";

export type Invite = components["schemas"]["InviteView"];
type InviteBody = components["schemas"]["InviteBody"];

export const invitesKey = (chatId: string) => ["invites", chatId] as const;

export function inviteLink(token: string, origin: string = location.origin): string {
  return `${origin}/invite/${encodeURIComponent(token)}`;
}

/** The server lets a chat have a hundred links, so this is all of them. */
export function useInvites(chatId: string) {
  return useQuery({
    queryKey: invitesKey(chatId),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/api/v1/chats/{chat_id}/invites", {
          params: { path: { chat_id: chatId }, query: { limit: 200 } },
          signal,
        }),
      ),
  });
}

export function useCreateInvite(chatId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Pick<InviteBody, "expires_in_s" | "max_uses">) =>
      ok(
        api.POST("/api/v1/chats/{chat_id}/invites", {
          params: { path: { chat_id: chatId } },
          body: { ...body, role: "member" },
        }),
      ),
    onSuccess: (invite) => {
      rememberLink(invite.id, invite.token);
      return queries.invalidateQueries({ queryKey: invitesKey(chatId) });
    },
  });
}

export function useRevokeInvite(chatId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (inviteId: string) =>
      ok(
        api.DELETE("/api/v1/chats/{chat_id}/invites/{invite_id}", {
          params: { path: { chat_id: chatId, invite_id: inviteId } },
        }),
      ),
    onSuccess: (_, inviteId) => forgetLink(inviteId),
    // Also after an error: "there is none" means that somebody else has taken it back.
    onSettled: () => queries.invalidateQueries({ queryKey: invitesKey(chatId) }),
  });
}

export type InviteState =
  | { open: true; placesLeft: number | null }
  | { open: false; why: "expired" | "used-up" };

/** Whether the link lets somebody in now, by this device's clock, which is only for showing. */
export function inviteState(invite: Invite, now: number): InviteState {
  if (invite.expires_at !== null && Date.parse(invite.expires_at) <= now)
    return { open: false, why: "expired" };
  if (invite.max_uses === null) return { open: true, placesLeft: null };
  const left = invite.max_uses - invite.uses;
  return left > 0 ? { open: true, placesLeft: left } : { open: false, why: "used-up" };
}
