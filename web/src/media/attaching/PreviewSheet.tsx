import { Plus, SendHorizontal } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Draft } from "@/realtime/realtime";
import { confirm } from "@/ui/asking";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { toast } from "@/ui/toasting";
import { useIsRtl } from "../direction";
import { kindOf } from "../files";
import type { OnAttach } from "../overlays";
import { filesOf } from "./dropping";
import { FileStage } from "./FileStage";
import { FileStrip } from "./FileStrip";
import styles from "./PreviewSheet.module.css";
import { prepare, prepareDocument } from "./preparing";
import { added, changed, type Item, isWritten, moved, NOTHING, removed, withCaption } from "./selection";

const MOST_CHARS = 8_192;

/** Files about to be sent: each can be looked at, captioned and taken out; more can be added, pasted and dropped. */
export default function PreviewSheet({
  files,
  onAttach,
  onClose,
}: {
  files: readonly File[];
  onAttach: OnAttach;
  onClose: () => void;
}) {
  const { t } = useTranslation("media");
  const rtl = useIsRtl();
  const [selection, setSelection] = useState(() => added(NOTHING, files));
  const [sending, setSending] = useState(false);
  const taken = useRef(files.length);
  const more = useRef<HTMLInputElement>(null);
  const prepared = usePrepared(selection.items);

  // Files that come while this is open are appended to those that it was opened with.
  useEffect(() => {
    const fresh = files.slice(taken.current);
    taken.current = files.length;
    setSelection((before) => added(before, fresh));
  }, [files]);
  const take = (fresh: readonly File[]) => setSelection((before) => added(before, fresh));

  const current = selection.items.find(({ id }) => id === selection.current);
  const kind = current === undefined ? "document" : kindOf(current.file.type);

  const close = async () => {
    if (isWritten(selection)) {
      const sure = {
        title: t("sheet.discard"),
        body: t("sheet.discardBody"),
        action: t("sheet.discardAction"),
      };
      if (!(await confirm({ ...sure, danger: true }))) return;
    }
    onClose();
  };
  const remove = (id: number) => {
    const rest = removed(selection, id);
    if (rest.items.length === 0) onClose();
    else setSelection(rest);
  };
  const send = async () => {
    if (sending) return;
    setSending(true);
    try {
      const drafts = await Promise.all(
        selection.items.map(async (item) => withCaption(await draftOf(item, prepared(item)), item.caption)),
      );
      onClose();
      onAttach(drafts);
    } catch {
      toast(t("sheet.unreadable"), { error: true });
      setSending(false);
    }
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };

  return (
    <Dialog title={t("sheet.title", { count: selection.items.length })} onClose={() => void close()} size="l">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: files that are pasted or dropped anywhere in it are taken in */}
      <div
        className={styles.sheet}
        onPaste={(event) => {
          const fresh = filesOf(event.clipboardData, true);
          if (fresh.length === 0) return;
          event.preventDefault();
          take(fresh);
        }}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          take(filesOf(event.dataTransfer, false));
        }}
      >
        {current !== undefined && <FileStage key={current.id} item={current} />}
        <FileStrip
          items={selection.items}
          current={selection.current}
          onSelect={(id) => setSelection({ ...selection, current: id })}
          onMove={(by) => setSelection(moved(selection, by))}
          onRemove={remove}
          rtl={rtl}
        >
          <button
            type="button"
            className={styles.add}
            onClick={() => more.current?.click()}
            aria-label={t("sheet.add")}
          >
            <Plus size={22} aria-hidden="true" />
          </button>
        </FileStrip>
        <input
          ref={more}
          className={styles.input}
          type="file"
          multiple
          tabIndex={-1}
          aria-hidden="true"
          onChange={(event) => {
            take([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
        {(kind === "image" || kind === "video") && current !== undefined && (
          <label className={styles.original}>
            <input
              type="checkbox"
              checked={current.asFile}
              onChange={(event) =>
                setSelection(changed(selection, current.id, { asFile: event.target.checked }))
              }
            />
            {t("sheet.asFile")}
          </label>
        )}
        <div className={styles.bottom}>
          {current !== undefined && kind !== "audio" ? (
            <textarea
              key={current.id}
              className={styles.caption}
              dir="auto"
              rows={1}
              maxLength={MOST_CHARS}
              placeholder={t("sheet.caption")}
              aria-label={t("sheet.caption")}
              value={current.caption}
              onChange={(event) =>
                setSelection(changed(selection, current.id, { caption: event.target.value }))
              }
              onKeyDown={onKeyDown}
            />
          ) : (
            <span className={styles.caption} />
          )}
          <Button
            variant="primary"
            icon={<SendIcon rtl={rtl} />}
            isPending={sending}
            onPress={() => void send()}
          >
            {t("sheet.send", { count: selection.items.length })}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

const SendIcon = ({ rtl }: { rtl: boolean }) => (
  <SendHorizontal size={18} aria-hidden="true" style={rtl ? { transform: "scaleX(-1)" } : undefined} />
);

/** Begun as soon as a file is here, so that sending does not wait for it. */
function usePrepared(items: readonly Item[]): (item: Item) => Promise<Draft> | undefined {
  const begun = useRef(new Map<number, Promise<Draft>>());
  useEffect(() => {
    for (const { id, file, asFile } of items) {
      if (asFile || begun.current.has(id)) continue;
      const draft = prepare(file);
      // Whoever sends it hears of it; before that nobody asks.
      draft.catch(() => undefined);
      begun.current.set(id, draft);
    }
    for (const id of begun.current.keys())
      if (!items.some((item) => item.id === id)) begun.current.delete(id);
  }, [items]);
  return (item) => begun.current.get(item.id);
}

const draftOf = (item: Item, ready: Promise<Draft> | undefined): Promise<Draft> | Draft =>
  item.asFile ? prepareDocument(item.file) : (ready ?? prepare(item.file));
