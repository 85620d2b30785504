import { useMutation } from "@tanstack/react-query";
import { Pencil } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Chat } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { Avatar, Button, Dialog, ErrorText, fieldError, IconButton, TextField } from "@/ui";
import { rename } from "./chatCalls";
import styles from "./info.module.css";
import { may } from "./permissions";
import { MAX_TITLE, titleProblem } from "./title";

/** What a group or channel is, with its title, which some may change. */
export function RoomTitle({ chat }: { chat: Chat }) {
  const { t } = useTranslation("channels");
  const [changing, setChanging] = useState(false);
  const kind = chat.type === "channel" ? "channel" : "group";
  return (
    <div className={styles.hero}>
      <Avatar name={chat.title} size={104} />
      <div className={styles.name}>
        <h2>
          <bdi>{chat.title}</bdi>
        </h2>
        {may("update_chat", chat.type, chat.my_role) && (
          <IconButton
            label={t("title.change")}
            icon={<Pencil size={16} />}
            onPress={() => setChanging(true)}
          />
        )}
      </div>
      <p className={styles.sub}>{t(`info.${kind}Of`, { count: chat.member_count })}</p>
      {chat.type === "channel" && (
        <p className={styles.what}>
          {t(may("send", chat.type, chat.my_role) ? "info.channelYouPost" : "info.channelYouRead")}
        </p>
      )}
      {changing && <Rename chat={chat} onClose={() => setChanging(false)} />}
    </div>
  );
}

function Rename({ chat, onClose }: { chat: Chat; onClose: () => void }) {
  const { t } = useTranslation("channels");
  const client = useRealtime();
  const [title, setTitle] = useState(chat.title);
  const [tried, setTried] = useState(false);
  const change = useMutation({
    mutationFn: () => rename(chat.id, title.trim()),
    onSuccess: (changed) => {
      client.adopt(changed);
      onClose();
    },
  });
  const problem = titleProblem(title);
  const refused = fieldError(change.error, "title");

  function submit(event: FormEvent): void {
    event.preventDefault();
    setTried(true);
    if (problem !== null || change.isPending) return;
    if (title.trim() === chat.title) onClose();
    else change.mutate();
  }

  return (
    <Dialog title={t("title.change")} onClose={onClose} size="s">
      <form className={styles.dialogForm} onSubmit={submit} noValidate>
        <TextField
          label={t(chat.type === "channel" ? "title.ofChannel" : "title.ofGroup")}
          value={title}
          onChange={setTitle}
          error={tried && problem !== null ? t(`title.${problem}`, { count: MAX_TITLE }) : refused}
          autoFocus
          autoComplete="off"
        />
        {refused === undefined && <ErrorText error={change.error} />}
        <Button type="submit" variant="primary" wide isPending={change.isPending}>
          {t("title.save")}
        </Button>
      </form>
    </Dialog>
  );
}
