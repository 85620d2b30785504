import { useQueryClient } from "@tanstack/react-query";
import {
  Download,
  FileArchive,
  FileAudio,
  FileCode2,
  File as FileIcon,
  FileImage,
  FileSpreadsheet,
  FileText,
  FileVideo,
  Presentation,
  X,
} from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatBytes } from "@/ui/format";
import type { DocumentFile } from "../content";
import { download } from "../download";
import { type DocumentGroup, endingOf, groupOf, shortened } from "../files";
import { mediaProblem } from "../mediaUrl";
import styles from "./DocumentCard.module.css";

const ICONS = {
  pdf: FileText,
  text: FileText,
  sheet: FileSpreadsheet,
  slides: Presentation,
  archive: FileArchive,
  code: FileCode2,
  picture: FileImage,
  video: FileVideo,
  audio: FileAudio,
  other: FileIcon,
} satisfies Record<DocumentGroup, unknown>;

type Saving = { progress: number } | { error: unknown } | null;

/** A file that is saved, never opened here. `mediaId` is `null` while it is on its way. */
export function DocumentCard({
  file,
  mediaId,
  end,
}: {
  file: DocumentFile;
  mediaId: string | null;
  end?: React.ReactNode;
}) {
  const { t } = useTranslation("media");
  const queries = useQueryClient();
  const [saving, setSaving] = useState<Saving>(null);
  const abort = useRef<AbortController>(null);
  useEffect(() => () => abort.current?.abort(), []);
  const name = file.filename || t("document.unnamed");
  const ending = endingOf(name);

  const save = async () => {
    if (mediaId === null) return;
    const controller = new AbortController();
    abort.current = controller;
    setSaving({ progress: 0 });
    try {
      await download(queries, mediaId, name, {
        signal: controller.signal,
        onProgress: (progress) => setSaving({ progress }),
      });
      setSaving(null);
    } catch (error) {
      setSaving(controller.signal.aborted ? null : { error });
    }
  };
  const running = saving !== null && "progress" in saving;

  return (
    <div className={styles.document} data-group={groupOf(name)}>
      <DocumentIcon filename={name} />
      <div className={styles.about}>
        <Filename name={name} />
        <span className={styles.details} role="status">
          {saving !== null && "error" in saving
            ? t(`problem.${mediaProblem(saving.error)}`)
            : [formatBytes(file.size), ending.toUpperCase()].filter(Boolean).join(" · ")}
        </span>
      </div>
      {end ??
        (mediaId !== null && (
          <button
            type="button"
            className={styles.save}
            onClick={() => (running ? abort.current?.abort() : void save())}
            aria-label={t(running ? "document.cancel" : "document.download", { name })}
          >
            {running ? <X size={20} aria-hidden="true" /> : <Download size={20} aria-hidden="true" />}
          </button>
        ))}
      {running && (
        <progress className={styles.progress} max={1} value={saving.progress} aria-label={t("downloading")} />
      )}
    </div>
  );
}

export function DocumentIcon({ filename }: { filename: string }) {
  const group = groupOf(filename);
  const Icon = ICONS[group];
  return (
    <span className={styles.icon} data-group={group}>
      <Icon size={24} strokeWidth={1.8} aria-hidden="true" />
    </span>
  );
}

export function Filename({ name }: { name: string }) {
  return (
    <bdi className={styles.name} title={name}>
      {shortened(name)}
    </bdi>
  );
}
