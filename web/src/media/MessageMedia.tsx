import { useQueryClient } from "@tanstack/react-query";
import { Suspense, useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Outgoing } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useMe, usePerson } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { documentFile, picture, recording } from "./content";
import { DocumentCard } from "./documents/DocumentCard";
import { LocationCard } from "./location/LocationCard";
import styles from "./MessageMedia.module.css";
import { distrust, locate } from "./mediaUrl";
import { view } from "./overlays";
import { keepOwnFile, ownFile } from "./ownFiles";
import { Frame } from "./pictures/Frame";
import { PictureBody } from "./pictures/PictureBody";
import { UploadRing } from "./pictures/UploadRing";
import { VideoBody } from "./pictures/VideoBody";
import { VoiceNote } from "./voice/VoiceNote";

type Content = Record<string, unknown>;

/** What a message shows besides text. Its caption is text, and the conversation's. */
export function MessageMedia({ message }: { message: MessageView }) {
  const content = message.content as Content;
  return (
    <Suspense fallback={<Room type={message.type} content={content} />}>
      <Sent message={message} content={content} />
    </Suspense>
  );
}

/** The same of one that is not sent yet. */
export function OutgoingMedia({ outgoing }: { outgoing: Outgoing }) {
  const { type, content } = outgoing.draft;
  return (
    <Suspense fallback={<Room type={type} content={content} />}>
      <Unsent outgoing={outgoing} />
    </Suspense>
  );
}

/** As much room as is needed, while words are loaded. */
function Room({ type, content }: { type: MessageView["type"]; content: Content }) {
  if (type === "image" || type === "video") return <Frame picture={picture(content)}>{null}</Frame>;
  return <div className={styles.room} data-type={type} />;
}

function Sent({ message, content }: { message: MessageView; content: Content }) {
  const me = useMe();
  const mediaId = message.media_id ?? null;
  const local = message.sender_id === me.id ? ownFile(message.client_id) : null;
  const open = useCallback(() => view(message.chat_id, message.seq), [message.chat_id, message.seq]);
  switch (message.type) {
    case "image":
      return (
        <Named message={message} what="photo">
          {(name) => (
            <PictureBody
              picture={picture(content)}
              mediaId={mediaId}
              local={local?.url ?? null}
              name={name}
              onOpen={open}
            />
          )}
        </Named>
      );
    case "video":
      return (
        <Named message={message} what="video">
          {(name) => (
            <VideoBody picture={picture(content)} mediaId={mediaId} local={local} name={name} onOpen={open} />
          )}
        </Named>
      );
    case "audio":
      return (
        <Voice content={content} trackKey={message.client_id} mediaId={mediaId} local={local?.url ?? null} />
      );
    case "document":
      return <DocumentCard file={documentFile(content)} mediaId={mediaId} />;
    case "location":
      return <LocationCard message={message} content={content} own={message.sender_id === me.id} />;
    default:
      return null;
  }
}

function Unsent({ outgoing }: { outgoing: Outgoing }) {
  const { t } = useTranslation("media");
  const client = useRealtime();
  const { draft, clientId, status, progress } = outgoing;
  const { attachment, content } = draft;
  if (draft.type === "location") return <LocationCard message={null} content={content} />;
  const mediaId = draft.mediaId ?? null;
  const local =
    attachment === undefined ? null : keepOwnFile(clientId, attachment.blob, attachment.contentType);
  const waiting = attachment !== undefined && status !== "failed" && (status === "uploading" || progress < 1);
  const ring = waiting && (
    <UploadRing
      progress={progress}
      moving={status === "uploading"}
      inline={draft.type === "document" || draft.type === "audio"}
      onCancel={() => void client.discard(clientId)}
    />
  );
  switch (draft.type) {
    case "image":
      return (
        <div className={styles.stack}>
          <PictureBody
            picture={picture(content)}
            mediaId={mediaId}
            local={local?.url ?? null}
            name={t("photo")}
            onOpen={null}
          />
          {ring}
        </div>
      );
    case "video":
      return (
        <div className={styles.stack}>
          <VideoBody
            picture={picture(content)}
            mediaId={mediaId}
            local={local}
            name={t("video")}
            onOpen={null}
          />
          {ring}
        </div>
      );
    case "audio":
      return (
        <div className={styles.line}>
          <Voice content={content} trackKey={clientId} mediaId={mediaId} local={local?.url ?? null} />
          {ring}
        </div>
      );
    case "document":
      return <DocumentCard file={documentFile(content)} mediaId={mediaId} end={ring || undefined} />;
    default:
      return null;
  }
}

/** A picture or video by whose it is, and what they say of it: for those who do not see it. */
function Named({
  message,
  what,
  children,
}: {
  message: MessageView;
  what: "photo" | "video";
  children: (name: string) => React.ReactNode;
}) {
  const { t } = useTranslation("media");
  const me = useMe();
  const own = message.sender_id === me.id;
  const person = usePerson(own ? null : message.sender_id);
  const { caption } = picture(message.content as Content);
  const whose = own ? t(`${what}Own`) : t(`${what}From`, { name: person?.name ?? "…" });
  return children(caption === "" ? whose : `${whose}: ${caption}`);
}

function Voice({
  content,
  trackKey,
  mediaId,
  local,
}: {
  content: Content;
  trackKey: string;
  mediaId: string | null;
  local: string | null;
}) {
  const queries = useQueryClient();
  const where = useCallback(
    async (again: boolean) => {
      if (local !== null && !again) return local;
      if (mediaId === null) throw new TypeError("it is not uploaded yet");
      if (again) await distrust(queries, mediaId);
      return (await locate(queries, mediaId)).url;
    },
    [queries, local, mediaId],
  );
  return <VoiceNote recording={recording(content)} trackKey={trackKey} locate={where} />;
}
