import { useTranslation } from "react-i18next";
import { useBlock } from "@/channels/blocks";
import { Button, toast, useErrorWords } from "@/ui";
import styles from "./Hindrance.module.css";
import { useName } from "./Name";
import type { HindranceKind } from "./useHindrance";

/** In the place of the composer: why one cannot write here, and what one can do about it. */
export function Hindrance({ hindrance }: { hindrance: HindranceKind }) {
  const { t } = useTranslation("chat");
  return (
    <div className={styles.bar} role="note">
      {hindrance.kind === "blocked" ? (
        <Blocked userId={hindrance.userId} />
      ) : (
        <span>{t(`hindrance.${hindrance.kind}`)}</span>
      )}
    </div>
  );
}

function Blocked({ userId }: { userId: string }) {
  const { t } = useTranslation("chat");
  const name = useName(userId);
  const words = useErrorWords();
  const { setBlocked, pending } = useBlock(userId);
  const unblock = () => setBlocked(false).catch((error: unknown) => toast(words(error), { error: true }));
  return (
    <>
      <span dir="auto">{t("hindrance.blocked", { name })}</span>
      <Button isPending={pending} onPress={unblock}>
        {t("unblock")}
      </Button>
    </>
  );
}
