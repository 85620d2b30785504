import { AudioLines } from "lucide-react";
import { useState } from "react";
import { formatBytes } from "@/ui/format";
import { DocumentIcon, Filename } from "../documents/DocumentCard";
import { kindOf } from "../files";
import { useObjectUrl } from "../ownFiles";
import styles from "./FileStage.module.css";
import type { Item } from "./selection";

/** One file, as large as there is room. */
export function FileStage({ item }: { item: Item }) {
  const { file, asFile } = item;
  const url = useObjectUrl(file);
  const [shown, setShown] = useState(true);
  const kind = kindOf(file.type);
  const visual = !asFile && shown && url !== null;
  return (
    <div className={styles.stage}>
      {visual && kind === "image" && (
        <img src={url} alt={file.name} onError={() => setShown(false)} draggable={false} />
      )}
      {visual && kind === "video" && (
        // biome-ignore lint/a11y/useMediaCaption: what people film has no captions
        <video src={url} controls playsInline aria-label={file.name} onError={() => setShown(false)} />
      )}
      {visual && kind === "audio" && (
        <div className={styles.card}>
          <AudioLines size={44} aria-hidden="true" />
          <Filename name={file.name} />
          {/* biome-ignore lint/a11y/useMediaCaption: what people record has no captions */}
          <audio src={url} controls aria-label={file.name} onError={() => setShown(false)} />
        </div>
      )}
      {(!visual || kind === "document") && (
        <div className={styles.card}>
          <DocumentIcon filename={file.name} />
          <Filename name={file.name} />
          <span className={styles.size}>{formatBytes(file.size)}</span>
        </div>
      )}
    </div>
  );
}
