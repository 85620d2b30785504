import { Film, ImageIcon } from "lucide-react";
import type { MessageView } from "@/types/socket";
import { formatDuration } from "@/ui/format";
import { picture } from "../content";
import styles from "./Tile.module.css";

/** A picture or video as a square: the preview that came with its message. Nothing is fetched for it. */
export function Tile({ message }: { message: MessageView }) {
  const { thumbnail, durationMs } = picture(message.content as Record<string, unknown>);
  const Missing = message.type === "video" ? Film : ImageIcon;
  return (
    <span className={styles.tile}>
      {thumbnail === null ? (
        <Missing size={22} aria-hidden="true" />
      ) : (
        <img src={thumbnail} alt="" draggable={false} />
      )}
      {message.type === "video" && (
        <span className={styles.length}>
          <Film size={12} aria-hidden="true" />
          {durationMs !== null && formatDuration(durationMs)}
        </span>
      )}
    </span>
  );
}
