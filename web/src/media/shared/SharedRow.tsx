import { ChevronRight, Images } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { chatMediaPath } from "@/app/place";
import styles from "./SharedRow.module.css";
import { useShared } from "./shared";
import { Tile } from "./Tile";

/** As many of the newest as fit beside each other. */
const SHOWN = 6;

/** In the info of a chat: the way to all that people have shown each other in it, and the newest of that. */
export function SharedRow({ chatId }: { chatId: string }) {
  const { t } = useTranslation("media");
  const { messages } = useShared(chatId, "pictures");
  return (
    <Link href={chatMediaPath(chatId)} className={styles.row}>
      <span className={styles.head}>
        <Images size={20} aria-hidden="true" />
        <span className={styles.title}>{t("shared.title")}</span>
        <ChevronRight size={18} className={styles.onward} aria-hidden="true" />
      </span>
      {messages.length > 0 && (
        <span className={styles.strip}>
          {messages.slice(0, SHOWN).map((message) => (
            <span key={message.seq} className={styles.cell}>
              <Tile message={message} />
            </span>
          ))}
        </span>
      )}
    </Link>
  );
}
