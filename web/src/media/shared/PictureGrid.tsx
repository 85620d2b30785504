import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe, usePerson } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { formatDayTime, formatMonth } from "@/ui/format";
import { picture } from "../content";
import { view } from "../overlays";
import { byMonth } from "./months";
import styles from "./PictureGrid.module.css";
import { stepTo } from "./stepping";
import { Tile } from "./Tile";

/** Pictures and videos by month, newest first. Tab comes to one of them, arrows lead to the others. */
export function PictureGrid({ messages }: { messages: readonly MessageView[] }) {
  const [at, setAt] = useState<number | null>(null);
  const current = messages.some(({ seq }) => seq === at) ? at : (messages[0]?.seq ?? null);

  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const tiles = [...event.currentTarget.querySelectorAll<HTMLElement>("button[data-seq]")];
    const to = stepTo(tiles, event.target as HTMLElement, event.key);
    if (to === null) return;
    event.preventDefault();
    to.focus();
    to.scrollIntoView({ block: "nearest" });
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the pictures in it
    <div onKeyDown={onKeyDown} onFocus={({ target }) => setAt(Number(target.dataset.seq))}>
      {byMonth(messages).map((month) => (
        <section key={month.at} className={styles.month}>
          <h2 className={styles.heading}>{formatMonth(month.at)}</h2>
          <ul className={styles.grid}>
            {month.messages.map((message) => (
              <li key={message.seq}>
                <Cell message={message} tabbable={message.seq === current} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Cell({ message, tabbable }: { message: MessageView; tabbable: boolean }) {
  const { t } = useTranslation("media");
  const me = useMe();
  const own = message.sender_id === me.id;
  const person = usePerson(own ? null : message.sender_id);
  const what = message.type === "video" ? "video" : "photo";
  const whose = own ? t(`${what}Own`) : t(`${what}From`, { name: person?.name ?? "…" });
  const { caption } = picture(message.content as Record<string, unknown>);
  const name = [whose, formatDayTime(message.created_at), caption].filter((part) => part !== "").join(", ");
  return (
    <button
      type="button"
      className={styles.cell}
      data-seq={message.seq}
      tabIndex={tabbable ? 0 : -1}
      aria-label={t("open", { name })}
      onClick={() => view(message.chat_id, message.seq, "shared")}
    >
      <Tile message={message} />
    </button>
  );
}
