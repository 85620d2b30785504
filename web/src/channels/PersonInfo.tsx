import { Ban, ShieldCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { SharedRow } from "@/media/shared/SharedRow";
import type { Chat } from "@/realtime/realtime";
import { usePerson } from "@/store/hooks";
import { confirm, Row } from "@/ui";
import { useBlock } from "./blocks";
import styles from "./info.module.css";
import { PersonHead } from "./PersonHead";
import { QuickActions } from "./QuickActions";
import { useAct } from "./useAct";

/** The info of a direct chat: about the other, and blocking them. */
export function PersonInfo({ chat }: { chat: Chat }) {
  const { t } = useTranslation("channels");
  const person = usePerson(chat.peer_id, true);
  const { blocked, setBlocked, pending } = useBlock(chat.peer_id);
  const { act } = useAct();
  const name = person?.name ?? "";

  async function toggle(): Promise<void> {
    if (blocked === true) {
      act(() => setBlocked(false), t("block.undone", { name }));
      return;
    }
    const sure = await confirm({
      title: t("block.title", { name }),
      body: t("block.body"),
      action: t("block.action"),
      danger: true,
    });
    if (sure) act(() => setBlocked(true), t("block.done", { name }));
  }

  return (
    <div className={styles.scroll}>
      <PersonHead person={person} />
      <QuickActions chat={chat} />
      {person?.status !== undefined && person.status !== "" && (
        <div className={styles.card}>
          <h2 className={styles.label}>{t("info.about")}</h2>
          <p className={styles.about} dir="auto">
            {person.status}
          </p>
        </div>
      )}
      <SharedRow chatId={chat.id} />
      {person?.deleted !== true && blocked !== undefined && (
        <div className={styles.group}>
          {blocked && <p className={styles.note}>{t("block.is", { name })}</p>}
          <Row
            avatar={
              blocked ? <ShieldCheck size={20} aria-hidden="true" /> : <Ban size={20} aria-hidden="true" />
            }
            title={blocked ? t("block.undo", { name }) : t("block.do", { name })}
            danger={!blocked}
            isDisabled={pending}
            onPress={() => void toggle()}
          />
        </div>
      )}
    </div>
  );
}
