import { ChevronLeft, ChevronRight, Pause, Play, Trash2, Volume2, VolumeX, X } from "lucide-react";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePerson } from "@/store/hooks";
import type { StoryView } from "@/types/socket";
import { Avatar } from "@/ui/Avatar";
import { formatRelative } from "@/ui/format";
import { IconButton } from "@/ui/IconButton";
import type { StoryGroup } from "./groups";
import { ReplyField } from "./ReplyField";
import { SeenBy } from "./SeenBy";
import { Preload, StorySlide } from "./StorySlide";
import styles from "./StoryStage.module.css";
import { segments } from "./timing";
import { useDeleting } from "./useDeleting";

/** Held for so long, a press was no tap. */
const HELD_MS = 220;

/** One story with all that is around it. It goes on by itself, unless it is held, paused, or answered. */
export function StoryStage({
  group,
  story,
  own,
  upcoming,
  onGo,
  onClose,
}: {
  group: StoryGroup;
  story: StoryView;
  own: boolean;
  upcoming: StoryView | null;
  onGo: (by: -1 | 1) => void;
  onClose: () => void;
}) {
  const { t, i18n } = useTranslation("stories");
  const rtl = i18n.dir(i18n.language) === "rtl";
  const [paused, setPaused] = useState(false);
  const [held, setHeld] = useState(false);
  const [busy, setBusy] = useState(false);
  const hidden = useHidden();
  const bar = useRef<HTMLSpanElement>(null);
  const pressedAt = useRef(0);
  const [muted, setMuted] = useState(false);
  const deleting = useDeleting(story.id, () => undefined);
  const index = group.stories.findIndex(({ id }) => id === story.id);
  const still = paused || held || busy || hidden || deleting.asking;
  const person = usePerson(own ? null : group.user_id);
  const name = person?.name ?? group.name;
  const caption = (story.content as Record<string, unknown>).caption;

  const onKey = useEffectEvent((event: KeyboardEvent) => {
    const { target } = event;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || busy) return;
    // A button that has the focus is pressed by the space bar.
    if (event.key === " " && target instanceof HTMLButtonElement && !target.dataset.zone) return;
    if (event.key === " ") setPaused(!paused);
    else if (event.key === "ArrowRight") onGo(rtl ? -1 : 1);
    else if (event.key === "ArrowLeft") onGo(rtl ? 1 : -1);
    else return;
    event.preventDefault();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event);
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, []);

  const zone = (by: -1 | 1) => ({
    type: "button" as const,
    "data-zone": by === 1 ? "next" : "previous",
    "aria-label": t(by === 1 ? "viewer.next" : "viewer.previous"),
    onPointerDown: (event: React.PointerEvent) => {
      pressedAt.current = event.timeStamp;
      setHeld(true);
    },
    onPointerUp: () => setHeld(false),
    onPointerCancel: () => setHeld(false),
    onPointerLeave: () => setHeld(false),
    onContextMenu: (event: React.MouseEvent) => event.preventDefault(),
    onClick: (event: React.MouseEvent) => {
      const byPointer = event.detail !== 0;
      if (byPointer && event.timeStamp - pressedAt.current > HELD_MS) return;
      onGo(by);
    },
  });

  return (
    <div className={styles.stage} data-held={held}>
      <IconButton
        className={styles.aside}
        label={t("viewer.previous")}
        icon={rtl ? ChevronRight : ChevronLeft}
        onPress={() => onGo(-1)}
      />
      <div className={styles.card}>
        <StorySlide
          story={story}
          still={still}
          muted={muted}
          onMuted={() => setMuted(true)}
          onProgress={(progress) => bar.current?.style.setProperty("--progress", String(progress))}
          onEnd={() => onGo(1)}
        />
        <div className={styles.zones}>
          <button {...zone(-1)} />
          <button {...zone(1)} />
        </div>
        <div className={styles.top}>
          <div className={styles.segments} aria-hidden="true">
            {segments(group.stories.length, index, 0).map((filled, at) => (
              <span
                key={group.stories[at]?.id}
                ref={at === index ? bar : undefined}
                className={styles.segment}
                data-filled={filled === 1}
                data-current={at === index}
              />
            ))}
          </div>
          <div className={styles.head}>
            <Avatar name={name} mediaId={person?.avatarMediaId ?? group.avatar_media_id} size={36} />
            <div className={styles.whose}>
              <bdi>{own ? t("own") : name}</bdi>
              <span>{formatRelative(story.created_at)}</span>
            </div>
            {story.type === "video" && (
              <IconButton
                label={t(muted ? "viewer.unmute" : "viewer.mute")}
                icon={muted ? VolumeX : Volume2}
                onPress={() => setMuted(!muted)}
              />
            )}
            <IconButton
              label={t(paused ? "viewer.resume" : "viewer.pause")}
              icon={paused ? Play : Pause}
              onPress={() => setPaused(!paused)}
            />
            {own && (
              <IconButton label={t("viewer.delete")} icon={Trash2} onPress={() => void deleting.ask()} />
            )}
            <IconButton label={t("viewer.close")} icon={X} onPress={onClose} autoFocus />
          </div>
        </div>
        <p className="visually-hidden" aria-live="polite">
          {t("viewer.place", {
            name: own ? t("own") : name,
            number: index + 1,
            count: group.stories.length,
          })}
        </p>
        <div className={styles.bottom}>
          {typeof caption === "string" && caption !== "" && (
            <p className={styles.caption} dir="auto">
              {caption}
            </p>
          )}
          {own ? (
            <SeenBy storyId={story.id} onOpen={setBusy} />
          ) : (
            <ReplyField story={story} ownerName={name} onWriting={setBusy} />
          )}
        </div>
      </div>
      <IconButton
        className={styles.aside}
        label={t("viewer.next")}
        icon={rtl ? ChevronLeft : ChevronRight}
        onPress={() => onGo(1)}
      />
      {upcoming !== null && <Preload story={upcoming} />}
    </div>
  );
}

function useHidden(): boolean {
  const [hidden, setHidden] = useState(document.hidden);
  useEffect(() => {
    const look = () => setHidden(document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return hidden;
}
