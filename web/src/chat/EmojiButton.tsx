import { Smile } from "lucide-react";
import { lazy, memo, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { IconButton, Popover, Spinner } from "@/ui";

const EmojiPanel = lazy(() => import("./EmojiPanel").then(({ EmojiPanel }) => ({ default: EmojiPanel })));

interface EmojiButtonProps {
  onEmoji: (emoji: string) => void;
  onClosed: () => void;
}

/** Opens the choice of emoji; it and its data are loaded then. */
export const EmojiButton = memo(function EmojiButton({ onEmoji, onClosed }: EmojiButtonProps) {
  const { t } = useTranslation("chat");
  return (
    <Popover label={t("emoji")} trigger={<IconButton label={t("emoji")} icon={Smile} />}>
      {(close) => (
        <Suspense fallback={<Spinner center label={t("loadingEmoji")} />}>
          <EmojiPanel
            onEmoji={(emoji) => {
              onEmoji(emoji);
              close();
              requestAnimationFrame(onClosed);
            }}
          />
        </Suspense>
      )}
    </Popover>
  );
});
