import { ImagePlus, Type } from "lucide-react";
import { useDeferredValue, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { prepare } from "@/media/attaching/preparing";
import { useObjectUrl } from "@/media/ownFiles";
import type { Draft } from "@/realtime/realtime";
import { confirm } from "@/ui/asking";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorText } from "@/ui/ErrorText";
import { toast } from "@/ui/toasting";
import { AudiencePicker } from "./AudiencePicker";
import { type Audience, usePosting } from "./posting";
import styles from "./StoryComposer.module.css";
import { TextCard } from "./TextCard";

const MOST_CHARS = 1_000;

/** A new story: words on a ground, or a picture or video with words under it; and who sees it. */
export default function StoryComposer({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("stories");
  const [text, setText] = useState("");
  const [caption, setCaption] = useState("");
  const [media, setMedia] = useState<Draft | null>(null);
  const [reading, setReading] = useState(false);
  const [audience, setAudience] = useState<Audience>("contacts");
  const input = useRef<HTMLInputElement>(null);
  const posting = usePosting(() => {
    toast(t("composer.posted"));
    onClose();
  });

  const take = async (file: File | undefined) => {
    if (file === undefined) return;
    setReading(true);
    try {
      const draft = await prepare(file);
      if (draft.type === "image" || draft.type === "video") setMedia(draft);
      else toast(t("composer.neither"), { error: true });
    } catch {
      toast(t("composer.unreadable"), { error: true });
    } finally {
      setReading(false);
    }
  };
  const close = async () => {
    const written = text.trim() !== "" || media !== null;
    if (written && !posting.isPending) {
      const sure = { title: t("composer.discard"), action: t("composer.discardAction"), danger: true };
      if (!(await confirm(sure))) return;
    }
    onClose();
  };
  const post = () => {
    if (media === null)
      posting.mutate({ type: "text", content: { text: text.trim() }, attachment: undefined, audience });
    else
      posting.mutate({
        type: media.type as "image" | "video",
        content: { ...media.content, ...(caption.trim() !== "" && { caption: caption.trim() }) },
        attachment: media.attachment,
        audience,
      });
  };
  const ready = (media !== null || text.trim() !== "") && (audience === "contacts" || audience.length > 0);

  return (
    <Dialog
      title={t("composer.title")}
      onClose={() => void close()}
      size="m"
      actions={
        <Button variant="primary" isDisabled={!ready} isPending={posting.isPending || reading} onPress={post}>
          {t("composer.post")}
        </Button>
      }
    >
      <div className={styles.composer}>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: a file that is dropped on it is taken in */}
        <div
          className={styles.preview}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            void take(event.dataTransfer.files[0]);
          }}
        >
          {media === null ? (
            <WrittenCard text={text} onChange={setText} onFile={(file) => void take(file)} />
          ) : (
            <Shown draft={media} />
          )}
          {posting.isPending && media !== null && (
            <progress
              className={styles.progress}
              max={1}
              value={posting.progress}
              aria-label={t("composer.uploading")}
            />
          )}
        </div>
        {media !== null && (
          <textarea
            className={styles.caption}
            dir="auto"
            rows={1}
            maxLength={MOST_CHARS}
            placeholder={t("composer.caption")}
            aria-label={t("composer.caption")}
            value={caption}
            onChange={(event) => setCaption(event.target.value)}
          />
        )}
        <div className={styles.ways}>
          <Button icon={ImagePlus} onPress={() => input.current?.click()}>
            {t(media === null ? "composer.choose" : "composer.another")}
          </Button>
          {media !== null && (
            <Button icon={Type} onPress={() => setMedia(null)}>
              {t("composer.words")}
            </Button>
          )}
        </div>
        <AudiencePicker audience={audience} onChange={setAudience} />
        <ErrorText error={posting.error} onRetry={post} />
        <input
          ref={input}
          className={styles.input}
          type="file"
          accept="image/*,video/*"
          tabIndex={-1}
          aria-hidden="true"
          data-attach="story"
          onChange={(event) => {
            void take(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
      </div>
    </Dialog>
  );
}

/** Written where it is shown. */
function WrittenCard({
  text,
  onChange,
  onFile,
}: {
  text: string;
  onChange: (text: string) => void;
  onFile: (file: File | undefined) => void;
}) {
  const { t } = useTranslation("stories");
  const ground = useDeferredValue(text);
  return (
    <TextCard text={ground}>
      <textarea
        className={styles.words}
        dir="auto"
        rows={1}
        // biome-ignore lint/a11y/noAutofocus: it is what one has come for
        autoFocus
        maxLength={MOST_CHARS}
        placeholder={t("composer.write")}
        aria-label={t("composer.write")}
        value={text}
        onChange={(event) => onChange(event.target.value)}
        onPaste={(event) => {
          const file = event.clipboardData.files[0];
          if (file === undefined || event.clipboardData.types.includes("text/plain")) return;
          event.preventDefault();
          onFile(file);
        }}
      />
    </TextCard>
  );
}

function Shown({ draft }: { draft: Draft }) {
  const { t } = useTranslation("stories");
  const url = useObjectUrl(draft.attachment?.blob);
  if (url === null) return null;
  return draft.type === "video" ? (
    // biome-ignore lint/a11y/useMediaCaption: what people film has no captions
    <video className={styles.media} src={url} controls playsInline aria-label={t("video")} />
  ) : (
    <img className={styles.media} src={url} alt={t("photo")} />
  );
}
