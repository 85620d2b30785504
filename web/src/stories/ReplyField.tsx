import { useMutation } from "@tanstack/react-query";
import { SendHorizontal } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ok } from "@/api/client";
import type { RealtimeClient } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import type { StoryView } from "@/types/socket";
import { toast } from "@/ui/toasting";
import { useErrorWords } from "@/ui/useErrorWords";
import { quoted } from "./quoting";
import styles from "./ReplyField.module.css";

const QUICK = ["❤️", "😂", "😮", "😢", "👏", "🔥"];
const MOST_CHARS = 4_000;

/** The direct chat with somebody; it is there from then on. @throws ApiError */
async function directChat(client: RealtimeClient, userId: string): Promise<string> {
  for (const chat of client.state.getState().chats.values())
    if (chat.type === "direct" && chat.peer_id === userId) return chat.id;
  const chat = await ok(api.POST("/api/v1/chats", { body: { type: "direct", user_id: userId } }));
  client.adopt(chat);
  return chat.id;
}

/** Answers a story by a message to whoever told it. */
export function ReplyField({
  story,
  ownerName,
  onWriting,
}: {
  story: StoryView;
  ownerName: string;
  onWriting: (writing: boolean) => void;
}) {
  const { t, i18n } = useTranslation("stories");
  const client = useRealtime();
  const words = useErrorWords();
  const [text, setText] = useState("");
  const [focused, setFocused] = useState(false);
  const reply = useMutation({
    mutationFn: async (answer: string) => {
      const chatId = await directChat(client, story.user_id);
      await client.send(chatId, { type: "text", content: { text: quoted(story, answer) } });
    },
    onSuccess: () => {
      setText("");
      toast(t("reply.sent"));
    },
    // What was written stays in the field.
    onError: (error) => toast(words(error), { error: true }),
  });
  const send = (answer: string) => {
    if (answer.trim() !== "" && !reply.isPending) reply.mutate(answer.trim());
  };
  return (
    <form
      className={styles.reply}
      onFocus={() => {
        setFocused(true);
        onWriting(true);
      }}
      onBlur={(event) => {
        if (event.currentTarget.contains(event.relatedTarget)) return;
        setFocused(false);
        onWriting(text !== "");
      }}
      onSubmit={(event) => {
        event.preventDefault();
        send(text);
      }}
    >
      {focused && text === "" && (
        <div className={styles.quick}>
          {QUICK.map((emoji) => (
            <button
              key={emoji}
              type="button"
              onClick={() => send(emoji)}
              aria-label={t("reply.with", { emoji })}
            >
              {emoji}
            </button>
          ))}
        </div>
      )}
      <div className={styles.line}>
        <input
          className={styles.field}
          dir="auto"
          value={text}
          maxLength={MOST_CHARS}
          placeholder={t("reply.placeholder", { name: `\u2068${ownerName}\u2069` })}
          aria-label={t("reply.placeholder", { name: ownerName })}
          onChange={(event) => setText(event.target.value)}
        />
        {text.trim() !== "" && (
          <button
            type="submit"
            className={styles.send}
            aria-label={t("reply.send")}
            disabled={reply.isPending}
          >
            <SendHorizontal
              size={20}
              aria-hidden="true"
              style={i18n.dir(i18n.language) === "rtl" ? { transform: "scaleX(-1)" } : undefined}
            />
          </button>
        )}
      </div>
    </form>
  );
}
