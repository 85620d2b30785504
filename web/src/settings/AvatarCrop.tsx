import { ZoomIn, ZoomOut } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, Dialog } from "@/ui";
import styles from "./AvatarCrop.module.css";
import { type Crop, MOST_ZOOM, pushed, squareOf, WHOLE, zoomed } from "./crop";

/** Drawn at twice its size on the page, for sharp screens; what is uploaded is drawn from the picture itself. */
const SHOWN_PX = 560;
const UPLOADED_PX = 640;
const STEP = 0.05;

/** A square of a picture is chosen: by dragging, the wheel, the slider, or the arrow keys. `onDone` gets it as a picture. */
export function AvatarCrop({
  picture,
  pending,
  onDone,
  onClose,
}: {
  picture: ImageBitmap;
  pending: boolean;
  onDone: (square: Blob) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation("settings");
  const canvas = useRef<HTMLCanvasElement>(null);
  const [crop, setCrop] = useState<Crop>(WHOLE);
  const push = (dx: number, dy: number) =>
    setCrop((now) => pushed(now, dx, dy, picture.width, picture.height));

  useEffect(() => {
    if (canvas.current !== null) draw(canvas.current, picture, crop, SHOWN_PX);
  }, [picture, crop]);

  const keys: Record<string, [number, number]> = {
    ArrowLeft: [STEP, 0],
    ArrowRight: [-STEP, 0],
    ArrowUp: [0, STEP],
    ArrowDown: [0, -STEP],
  };
  return (
    <Dialog
      title={t("avatar.crop")}
      size="s"
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t("cancel")}</Button>
          <Button variant="primary" isPending={pending} onPress={() => void cut(picture, crop).then(onDone)}>
            {t("avatar.use")}
          </Button>
        </>
      }
    >
      <div className={styles.crop}>
        <canvas
          ref={canvas}
          className={styles.frame}
          width={SHOWN_PX}
          height={SHOWN_PX}
          tabIndex={0}
          role="img"
          aria-label={t("avatar.crop_hint")}
          onKeyDown={(event) => {
            const by = keys[event.key];
            if (by === undefined) return;
            event.preventDefault();
            push(...by);
          }}
          onWheel={(event) => setCrop(zoomed(crop, crop.zoom * (event.deltaY < 0 ? 1.1 : 1 / 1.1)))}
          onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
          onPointerMove={(event) => {
            if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
            const { clientWidth, clientHeight } = event.currentTarget;
            push(event.movementX / clientWidth, event.movementY / clientHeight);
          }}
        />
        <label className={styles.zoom}>
          <ZoomOut size={18} aria-hidden="true" />
          <span className="visually-hidden">{t("avatar.zoom")}</span>
          <input
            type="range"
            min={1}
            max={MOST_ZOOM}
            step={0.01}
            value={crop.zoom}
            onChange={(event) => setCrop(zoomed(crop, event.target.valueAsNumber))}
          />
          <ZoomIn size={18} aria-hidden="true" />
        </label>
        <p className={styles.hint}>{t("avatar.crop_hint")}</p>
      </div>
    </Dialog>
  );
}

function draw(canvas: HTMLCanvasElement, picture: ImageBitmap, crop: Crop, edge: number): void {
  const { left, top, side } = squareOf(crop, picture.width, picture.height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser cannot draw");
  context.clearRect(0, 0, edge, edge);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, side, side, 0, 0, edge, edge);
}

function cut(picture: ImageBitmap, crop: Crop): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = UPLOADED_PX;
  canvas.height = UPLOADED_PX;
  draw(canvas, picture, crop, UPLOADED_PX);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error("the picture could not be written")) : resolve(blob)),
      "image/png",
    );
  });
}
