import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { DocumentIcon } from "../documents/DocumentCard";
import { kindOf } from "../files";
import { useObjectUrl } from "../ownFiles";
import styles from "./FileStrip.module.css";
import type { Item } from "./selection";

/** All files that are about to be sent, small; one of them is shown. */
export function FileStrip({
  items,
  current,
  rtl,
  onSelect,
  onMove,
  onRemove,
  children,
}: {
  items: readonly Item[];
  current: number;
  rtl: boolean;
  onSelect: (id: number) => void;
  onMove: (by: -1 | 1) => void;
  onRemove: (id: number) => void;
  children: React.ReactNode;
}) {
  const { t } = useTranslation("media");
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowRight") onMove(rtl ? -1 : 1);
    else if (event.key === "ArrowLeft") onMove(rtl ? 1 : -1);
    else if (event.key === "Delete") onRemove(current);
    else return;
    event.preventDefault();
  };
  return (
    <div className={styles.strip}>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of buttons, not of fields */}
      <div className={styles.items} role="group" aria-label={t("sheet.files")} onKeyDown={onKeyDown}>
        {items.map((item) => (
          <div key={item.id} className={styles.item} data-current={item.id === current}>
            <button
              type="button"
              className={styles.select}
              aria-label={item.file.name}
              aria-current={item.id === current}
              onClick={() => onSelect(item.id)}
            >
              <Small item={item} />
            </button>
            <button
              type="button"
              className={styles.remove}
              aria-label={t("sheet.remove", { name: item.file.name })}
              onClick={() => onRemove(item.id)}
            >
              <X size={13} strokeWidth={2.6} aria-hidden="true" />
            </button>
          </div>
        ))}
      </div>
      {children}
    </div>
  );
}

function Small({ item }: { item: Item }) {
  const kind = kindOf(item.file.type);
  const url = useObjectUrl(kind === "image" || kind === "video" ? item.file : null);
  if (url !== null && !item.asFile && kind === "image") return <img src={url} alt="" draggable={false} />;
  if (url !== null && !item.asFile && kind === "video") return <video src={url} muted preload="metadata" />;
  return <DocumentIcon filename={item.file.name} />;
}
