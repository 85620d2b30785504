import { type Ref, useImperativeHandle, useRef, useState } from "react";
import { Spinner } from "@/ui/Spinner";
import type { Picture, Size } from "../content";
import { useMediaUrl } from "../mediaUrl";
import { Unavailable } from "../Unavailable";
import styles from "./ZoomablePicture.module.css";
import { contained, panned, WHOLE, type Zoom, zoomed } from "./zoom";

export interface PictureHandle {
  zoom(factor: number): void;
  whole(): void;
}

const MIDDLE = { x: 0, y: 0 };

/** A picture that can be looked at closely: by wheel, double click, two fingers or the handle; dragged when it is larger than its room. */
export function ZoomablePicture({
  mediaId,
  picture,
  name,
  onPressOutside,
  ref,
}: {
  mediaId: string;
  picture: Picture;
  name: string;
  onPressOutside: () => void;
  ref: Ref<PictureHandle>;
}) {
  const stage = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState<Zoom>(WHOLE);
  const [kept, setKept] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const file = useMediaUrl(kept === null ? mediaId : null);
  const url = kept ?? file.data?.url ?? null;
  const fingers = useRef(new Map<number, { x: number; y: number }>());
  const dragged = useRef(false);

  const room = (): Size => ({
    width: stage.current?.clientWidth ?? 1,
    height: stage.current?.clientHeight ?? 1,
  });
  const zoomBy = (factor: number, point: { x: number; y: number }) =>
    setZoom((before) => zoomed(before, factor, point, contained(picture, room()), room()));
  const panBy = (x: number, y: number) =>
    setZoom((before) => panned(before, { x, y }, contained(picture, room()), room()));
  const fromMiddle = (event: { clientX: number; clientY: number }) => {
    const box = stage.current?.getBoundingClientRect();
    if (box === undefined) return MIDDLE;
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  };
  useImperativeHandle(ref, () => ({ zoom: (factor) => zoomBy(factor, MIDDLE), whole: () => setZoom(WHOLE) }));

  const onPointerMove = (event: React.PointerEvent) => {
    const before = fingers.current.get(event.pointerId);
    if (before === undefined) return;
    const now = fromMiddle(event);
    if (Math.hypot(now.x - before.x, now.y - before.y) > 3) dragged.current = true;
    const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
    fingers.current.set(event.pointerId, now);
    if (other === undefined) return panBy(now.x - before.x, now.y - before.y);
    const apart = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y);
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    return zoomBy(apart(now) / Math.max(1, apart(before)), middle);
  };
  const onPointerEnd = (event: React.PointerEvent) => void fingers.current.delete(event.pointerId);
  const retry = () => {
    setFailed(false);
    void file.refetch();
  };

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the dialog has keys and buttons for all of it
    // biome-ignore lint/a11y/noStaticElementInteractions: pressing beside the picture closes it, as Escape does
    <div
      ref={stage}
      className={styles.stage}
      data-zoomed={zoom.scale > 1}
      onWheel={(event) => zoomBy(Math.exp(-event.deltaY / 400), fromMiddle(event))}
      onDoubleClick={(event) => (zoom.scale > 1 ? setZoom(WHOLE) : zoomBy(2.5, fromMiddle(event)))}
      onPointerDown={(event) => {
        dragged.current = false;
        fingers.current.set(event.pointerId, fromMiddle(event));
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerEnd}
      onPointerCancel={onPointerEnd}
      onClick={(event) => {
        const size = contained(picture, room());
        const at = fromMiddle(event);
        const outside = Math.abs(at.x) > size.width / 2 || Math.abs(at.y) > size.height / 2;
        if (outside && zoom.scale === 1 && !dragged.current) onPressOutside();
      }}
    >
      {kept === null && picture.thumbnail !== null && (
        <img
          className={styles.preview}
          src={picture.thumbnail}
          alt=""
          style={fill(picture)}
          draggable={false}
        />
      )}
      {url !== null && !failed && (
        <img
          className={styles.picture}
          src={url}
          alt={name}
          draggable={false}
          style={{ transform: `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})` }}
          onLoad={() => setKept(url)}
          onError={() => setFailed(true)}
        />
      )}
      {kept === null && !failed && file.error === null && (
        <span className={styles.loading}>
          <Spinner size={36} />
        </span>
      )}
      {(failed || file.error !== null) && (
        <Unavailable error={file.error ?? new TypeError("refused")} onRetry={retry} />
      )}
    </div>
  );
}

/** The preview as large as the picture will be. */
const fill = ({ width, height }: Size) => ({
  aspectRatio: `${width} / ${height}`,
  inlineSize: `min(100%, ${width}px)`,
});
