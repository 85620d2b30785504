import {
  EmojiPicker,
  type EmojiPickerListCategoryHeaderProps,
  type EmojiPickerListEmojiProps,
  type EmojiPickerListRowProps,
} from "frimousse";
import { useTranslation } from "react-i18next";
import { Spinner } from "@/ui";
import styles from "./EmojiPanel.module.css";

/** Of the languages of the interface, emojibase names emoji in English alone: the texts of the others say so where one searches. */
const NAMES = "en";

export function EmojiPanel({ onEmoji }: { onEmoji: (emoji: string) => void }) {
  const { t } = useTranslation("chat");
  return (
    <EmojiPicker.Root
      className={styles.panel}
      locale={NAMES}
      emojibaseUrl="/emoji"
      columns={8}
      onEmojiSelect={({ emoji }) => onEmoji(emoji)}
    >
      <EmojiPicker.Search
        className={styles.search}
        autoFocus
        aria-label={t("searchEmoji")}
        placeholder={t("searchEmoji")}
      />
      <EmojiPicker.Viewport className={styles.viewport}>
        <EmojiPicker.Loading className={styles.note}>
          <Spinner label={t("loadingEmoji")} />
        </EmojiPicker.Loading>
        <EmojiPicker.Empty className={styles.note}>{t("noEmoji")}</EmojiPicker.Empty>
        <EmojiPicker.List className={styles.list} components={PARTS} />
      </EmojiPicker.Viewport>
    </EmojiPicker.Root>
  );
}

function CategoryHeader({ category, ...props }: EmojiPickerListCategoryHeaderProps) {
  const { t } = useTranslation("chat");
  const label = t(`emojiGroups.${category.label.toLowerCase()}`, { defaultValue: category.label });
  return (
    <div {...props} className={styles.category}>
      {label}
    </div>
  );
}

function Row(props: EmojiPickerListRowProps) {
  return <div {...props} className={styles.row} />;
}

function Emoji({ emoji, ...props }: EmojiPickerListEmojiProps) {
  return (
    <button type="button" {...props} className={styles.emoji} data-active={emoji.isActive || undefined}>
      {emoji.emoji}
    </button>
  );
}

const PARTS = { CategoryHeader, Row, Emoji };
