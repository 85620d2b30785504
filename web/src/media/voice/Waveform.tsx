import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { useTranslation } from "react-i18next";
import { formatDuration } from "@/ui/format";
import styles from "./Waveform.module.css";
import { resample } from "./waveform";

const BARS = 44;
const STEP = 4;
const HEIGHT = 28;
const LEAST = 3;
/** Where there is no waveform: a quiet line. */
const FLAT = 26;

/** The bars as one path. */
export function bars(waveform: readonly number[], count: number = BARS): string {
  const values = waveform.length === 0 ? new Array<number>(count).fill(FLAT) : resample(waveform, count);
  return values
    .map((value, index) => {
      const height = Math.max(LEAST, Math.round((value / 255) * HEIGHT));
      return `M${index * STEP + 1.5} ${(HEIGHT - height) / 2}v${height}`;
    })
    .join("");
}

const KEY_MS = 3_000;
const PAGE_MS = 15_000;

/** Where a key leads to on a recording; `null` for keys that lead nowhere. Time runs from left to right in every language, as on players. */
export function soughtBy(key: string, positionMs: number, durationMs: number): number | null {
  const to = {
    ArrowRight: positionMs + KEY_MS,
    ArrowUp: positionMs + KEY_MS,
    ArrowLeft: positionMs - KEY_MS,
    ArrowDown: positionMs - KEY_MS,
    PageUp: positionMs + PAGE_MS,
    PageDown: positionMs - PAGE_MS,
    Home: 0,
    End: durationMs,
  }[key];
  return to === undefined ? null : Math.min(durationMs, Math.max(0, to));
}

/** A recording's loudness over time; pressed or dragged, it plays from there. */
export function Waveform({
  waveform,
  positionMs,
  durationMs,
  onSeek,
}: {
  waveform: readonly number[];
  positionMs: number;
  durationMs: number;
  onSeek: (positionMs: number) => void;
}) {
  const { t } = useTranslation("media");
  const ref = useRef<HTMLDivElement>(null);
  const share = durationMs > 0 ? Math.min(1, positionMs / durationMs) : 0;
  const path = bars(waveform);

  const seekTo = (event: PointerEvent) => {
    const box = ref.current?.getBoundingClientRect();
    if (box === undefined || box.width === 0) return;
    onSeek(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * durationMs);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = soughtBy(event.key, positionMs, durationMs);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    onSeek(to);
  };

  return (
    <div
      ref={ref}
      dir="ltr"
      className={styles.waveform}
      role="slider"
      tabIndex={0}
      aria-label={t("voice.position")}
      aria-valuemin={0}
      aria-valuemax={Math.round(durationMs / 1_000)}
      aria-valuenow={Math.round(positionMs / 1_000)}
      aria-valuetext={t("voice.positionOf", {
        position: formatDuration(positionMs),
        duration: formatDuration(durationMs),
      })}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seekTo(event);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) seekTo(event);
      }}
    >
      <svg viewBox={`0 0 ${BARS * STEP} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={path} className={styles.ahead} />
      </svg>
      <svg
        viewBox={`0 0 ${BARS * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        style={{ clipPath: `inset(0 ${(1 - share) * 100}% 0 0)` }}
      >
        <path d={path} className={styles.heard} />
      </svg>
      <span className={styles.knob} style={{ left: `${share * 100}%` }} />
    </div>
  );
}
