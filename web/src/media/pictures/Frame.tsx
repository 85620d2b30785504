import type { ReactNode } from "react";
import type { Picture } from "../content";
import styles from "./Frame.module.css";
import { bubbleBox } from "./scaling";

/** The room that a picture or video has in a conversation, from the beginning: nothing moves when it comes. */
export function Frame({
  picture,
  sharp = false,
  children,
}: {
  picture: Picture;
  /** Whether the preview is shown as it is, and not as a blur behind what is to come. */
  sharp?: boolean;
  children: ReactNode;
}) {
  const box = bubbleBox(picture);
  return (
    <div
      className={styles.frame}
      style={{ inlineSize: box.width, aspectRatio: `${box.width} / ${box.height}` }}
      data-media-frame
    >
      {picture.thumbnail !== null && (
        <img
          className={sharp ? styles.poster : styles.blurred}
          src={picture.thumbnail}
          alt=""
          draggable={false}
        />
      )}
      {children}
    </div>
  );
}
