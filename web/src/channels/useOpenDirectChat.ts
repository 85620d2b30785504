import { useMutation } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api, ok } from "@/api/client";
import { chatPath } from "@/app/place";
import { useRealtime } from "@/store/context";

/**
 * Opening the direct chat with somebody, which is made when there is none yet.
 *
 * `error` is what the last try was refused with; `openingWith` is whose chat is on its way.
 */
export function useOpenDirectChat(): {
  open: (userId: string) => void;
  openingWith: string | null;
  error: Error | null;
} {
  const client = useRealtime();
  const [, navigate] = useLocation();
  const { mutate, isPending, variables, error } = useMutation({
    mutationFn: async (userId: string) => {
      for (const chat of client.state.getState().chats.values()) {
        if (chat.peer_id === userId) return chat.id;
      }
      const chat = await ok(api.POST("/api/v1/chats", { body: { type: "direct", user_id: userId } }));
      client.adopt(chat);
      return chat.id;
    },
    onSuccess: (chatId) => navigate(chatPath(chatId)),
  });
  return { open: mutate, openingWith: isPending ? variables : null, error };
}
