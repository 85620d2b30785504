/**
 * Where one writes. What is being written is this component's own until it is sent: nothing else is rendered for a keystroke, and it is not rendered for
 * what comes meanwhile.
 */
import { Check, SendHorizontal } from "lucide-react";
import { memo, type Ref, useCallback, useEffect, useImperativeHandle, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { AttachButton, VoiceRecorder } from "@/media";
import type { ChatId, Draft } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { ErrorText, IconButton, useMedia } from "@/ui";
import styles from "./Composer.module.css";
import { ComposingBar } from "./ComposingBar";
import type { Composing } from "./commands";
import { EmojiButton } from "./EmojiButton";
import { lengthOf, MAX_TEXT, NEAR } from "./limits";

export interface ComposerHandle {
  focus(): void;
  /** Puts back what could not be sent, before what has been written since. */
  giveBack(text: string): void;
}

interface ComposerProps {
  chatId: ChatId;
  composing: Composing;
  /** The answer or change is given up, or done. */
  onDone: () => void;
  onSend: (drafts: readonly Draft[]) => void;
  /** Up to the messages. */
  onUp: () => void;
  ref: Ref<ComposerHandle>;
}

export const Composer = memo(function Composer(props: ComposerProps) {
  const { chatId, composing, onDone, onSend, onUp, ref } = props;
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const touch = useMedia("(pointer: coarse)");
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => client.draftText(chatId));
  const [error, setError] = useState<unknown>(null);
  const editing = composing.kind === "edit" ? composing.message : null;

  // What was begun waits while an old message is changed.
  const [edited, setEdited] = useState<typeof editing>(null);
  const [begun, setBegun] = useState("");
  if (editing?.id !== edited?.id) {
    if (edited === null) setBegun(text);
    setEdited(editing);
    setError(null);
    setText(editing === null ? begun : String((editing.content as { text?: unknown }).text ?? ""));
  }

  const write = (written: string) => {
    setText(written);
    setError(null);
    if (editing !== null) return;
    client.keepDraftText(chatId, written);
    client.typing(chatId, written !== "");
  };

  useImperativeHandle(ref, () => ({
    focus: () => field.current?.focus(),
    giveBack: (lost) => write(text === "" ? lost : `${lost}\n${text}`),
  }));
  // Opening a chat is for writing in it; on touch screens that would bring up the keyboard.
  useEffect(() => {
    if (!touch) field.current?.focus({ preventScroll: true });
  }, [touch]);
  useEffect(() => () => client.typing(chatId, false), [client, chatId]);

  const length = lengthOf(text);
  const over = length > MAX_TEXT;
  const empty = text.trim() === "";

  const submit = () => {
    if (empty || over) return;
    const content = { text: text.replaceAll("\0", "").trim() };
    if (editing === null) {
      write("");
      onSend([{ type: "text", content }]);
    } else if (content.text === (editing.content as { text?: unknown }).text) onDone();
    else client.edit(chatId, editing.seq, content).then(onDone, setError);
  };

  // The button for emoji is not rendered for a keystroke: it writes into what is there then.
  const latest = useRef(write);
  latest.current = write;
  const insert = useCallback((inserted: string) => {
    if (field.current === null) return;
    const { value, selectionStart, selectionEnd } = field.current;
    latest.current(value.slice(0, selectionStart) + inserted + value.slice(selectionEnd));
    const caret = selectionStart + inserted.length;
    requestAnimationFrame(() => field.current?.setSelectionRange(caret, caret));
  }, []);
  const refocus = useCallback(() => field.current?.focus(), []);

  const onKeyDown = (event: React.KeyboardEvent) => {
    // Enter that chooses a word of an input method sends nothing.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !touch) submit();
    else if (event.key === "Escape" && composing.kind !== "new") onDone();
    else if (event.key === "ArrowUp" && text === "") onUp();
    else return;
    event.preventDefault();
  };

  return (
    <div className={styles.composer}>
      {composing.kind !== "new" && <ComposingBar composing={composing} onDone={onDone} />}
      {error !== null && (
        <div className={styles.error}>
          <ErrorText error={error} onRetry={submit} />
        </div>
      )}
      <div className={styles.bar}>
        {editing === null && <AttachButton onAttach={onSend} />}
        <div className={styles.field}>
          <EmojiButton onEmoji={insert} onClosed={refocus} />
          <div className={styles.grow} data-text={text}>
            <textarea
              ref={field}
              rows={1}
              value={text}
              // Empty, it is written in the direction of the page, as its placeholder is.
              {...(text !== "" && { dir: "auto" })}
              placeholder={t("write")}
              aria-label={t("write")}
              aria-invalid={over}
              enterKeyHint={touch ? "enter" : "send"}
              onChange={(event) => write(event.target.value)}
              onKeyDown={onKeyDown}
              onBlur={() => client.typing(chatId, false)}
            />
          </div>
          {length > NEAR && (
            <span className={styles.counter} data-over={over || undefined} role="status">
              <span aria-hidden="true">{MAX_TEXT - length}</span>
              <span className="visually-hidden">
                {over ? t("tooLong", { count: length - MAX_TEXT }) : t("left", { count: MAX_TEXT - length })}
              </span>
            </span>
          )}
        </div>
        {empty && editing === null ? (
          <VoiceRecorder onRecorded={(draft) => onSend([draft])} />
        ) : (
          <IconButton
            label={editing === null ? t("send") : t("save")}
            icon={editing === null ? SendHorizontal : Check}
            variant="primary"
            isDisabled={empty || over}
            onPress={submit}
            className={styles.send}
          />
        )}
      </div>
    </div>
  );
});
