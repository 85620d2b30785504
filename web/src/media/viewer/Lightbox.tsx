import { useQueryClient } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight, Download, MessageSquareText, X, ZoomIn, ZoomOut } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { useTranslation } from "react-i18next";
import { useRealtime } from "@/store/context";
import { useHistory, useMe, usePerson } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { formatDayTime } from "@/ui/format";
import { IconButton } from "@/ui/IconButton";
import { toast } from "@/ui/toasting";
import { picture } from "../content";
import { useIsRtl } from "../direction";
import { download } from "../download";
import { nameFor } from "../files";
import type { Neighbours } from "../overlays";
import { PlayingVideo } from "../pictures/VideoBody";
import { useShared } from "../shared/shared";
import { useShowInChat } from "../shared/showInChat";
import { gallery, neighbour } from "./gallery";
import styles from "./Lightbox.module.css";
import { type PictureHandle, ZoomablePicture } from "./ZoomablePicture";

/** A picture or video of a conversation over the whole page, and those before and after it. */
export default function Lightbox({
  chatId,
  seq,
  from,
  onClose,
}: {
  chatId: string;
  seq: number;
  from: Neighbours;
  onClose: () => void;
}) {
  const { t } = useTranslation("media");
  const [current, setCurrent] = useState(seq);
  const { message, before, after } = useGallery(chatId, current, from);
  const rtl = useIsRtl();
  const view = useRef<PictureHandle>(null);
  const go = (to: MessageView | null) => to !== null && setCurrent(to.seq);

  const onKeyDown = (event: React.KeyboardEvent) => {
    // A video's own keys are the video's.
    if (event.target instanceof HTMLVideoElement) return;
    if (event.key === "ArrowRight") go(rtl ? before : after);
    else if (event.key === "ArrowLeft") go(rtl ? after : before);
    else if (event.key === "+" || event.key === "=") view.current?.zoom(1.5);
    else if (event.key === "-") view.current?.zoom(1 / 1.5);
    else if (event.key === "0") view.current?.whole();
    else return;
    event.preventDefault();
  };

  // Deleted while it is looked at.
  useEffect(() => {
    if (message === null) onClose();
  }, [message, onClose]);
  if (message === null) return null;

  return (
    <ModalOverlay isOpen className={styles.overlay ?? ""} onOpenChange={(open) => !open && onClose()}>
      <Modal className={styles.modal ?? ""}>
        <AriaDialog className={styles.dialog ?? ""} aria-label={t("viewer.label")}>
          {/* biome-ignore lint/a11y/noStaticElementInteractions: keys that act on what the dialog shows */}
          <div className={styles.viewer} onKeyDown={onKeyDown}>
            <Bar message={message} from={from} onClose={onClose} view={view} />
            <Shown key={message.seq} message={message} view={view} onClose={onClose} />
            {before !== null && (
              <IconButton
                className={styles.before}
                label={t("viewer.previous")}
                icon={rtl ? ChevronRight : ChevronLeft}
                onPress={() => go(before)}
              />
            )}
            {after !== null && (
              <IconButton
                className={styles.after}
                label={t("viewer.next")}
                icon={rtl ? ChevronLeft : ChevronRight}
                onPress={() => go(after)}
              />
            )}
          </div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** The message shown, and its neighbours; older ones are loaded when the first that is there is reached. */
function useGallery(chatId: string, seq: number, from: Neighbours) {
  const client = useRealtime();
  const history = useHistory(chatId);
  const isShared = from === "shared";
  const shared = useShared(chatId, "pictures", isShared);
  const items = isShared ? shared.messages.toReversed() : gallery(history?.messages ?? []);
  const message = items.find((item) => item.seq === seq) ?? null;
  const before = neighbour(items, seq, -1);
  const hasOlder = isShared
    ? shared.hasMore && !shared.isLoadingMore && shared.error === null
    : history?.hasOlder === true && !history.loading;
  const wanted = before === null && hasOlder;
  const loadOlder = useRef<() => void>(() => undefined);
  loadOlder.current = isShared ? shared.loadMore : () => void client.loadOlder(chatId);
  useEffect(() => {
    if (wanted) loadOlder.current();
  }, [wanted]);
  return { message, before, after: neighbour(items, seq, 1) };
}

function Bar({
  message,
  from,
  view,
  onClose,
}: {
  message: MessageView;
  from: Neighbours;
  view: React.RefObject<PictureHandle | null>;
  onClose: () => void;
}) {
  const { t } = useTranslation("media");
  const queries = useQueryClient();
  const showInChat = useShowInChat();
  const me = useMe();
  const own = message.sender_id === me.id;
  const person = usePerson(own ? null : message.sender_id);
  const save = async () => {
    const kind = message.type === "video" ? "video" : "image";
    const name = nameFor(kind, kind === "video" ? "video/mp4" : "image/jpeg", new Date(message.created_at));
    try {
      await download(queries, message.media_id ?? "", name);
    } catch {
      toast(t("downloadFailed"), { error: true });
    }
  };
  return (
    <div className={styles.bar}>
      <div className={styles.whose}>
        <bdi>{own ? t("you") : person?.name}</bdi>
        <span className={styles.when}>{formatDayTime(message.created_at)}</span>
      </div>
      {from === "shared" && (
        <IconButton
          label={t("shared.showInChat")}
          icon={MessageSquareText}
          onPress={() => {
            onClose();
            showInChat(message.chat_id, message.seq);
          }}
        />
      )}
      {message.type === "image" && (
        <>
          <IconButton
            label={t("viewer.zoomOut")}
            icon={ZoomOut}
            onPress={() => view.current?.zoom(1 / 1.5)}
          />
          <IconButton label={t("viewer.zoomIn")} icon={ZoomIn} onPress={() => view.current?.zoom(1.5)} />
        </>
      )}
      <IconButton label={t("viewer.download")} icon={Download} onPress={() => void save()} />
      <IconButton label={t("viewer.close")} icon={X} onPress={onClose} autoFocus />
    </div>
  );
}

function Shown({
  message,
  view,
  onClose,
}: {
  message: MessageView;
  view: React.RefObject<PictureHandle | null>;
  onClose: () => void;
}) {
  const { t } = useTranslation("media");
  const content = picture(message.content as Record<string, unknown>);
  const name = content.caption || t(message.type === "video" ? "video" : "photo");
  return (
    <>
      {message.type === "video" ? (
        <div className={styles.stage}>
          <PlayingVideo
            mediaId={message.media_id ?? null}
            local={null}
            name={name}
            className={styles.video}
          />
        </div>
      ) : (
        <ZoomablePicture
          ref={view}
          mediaId={message.media_id ?? ""}
          picture={content}
          name={name}
          onPressOutside={onClose}
        />
      )}
      {content.caption !== "" && (
        <p className={styles.caption} dir="auto">
          {content.caption}
        </p>
      )}
    </>
  );
}
