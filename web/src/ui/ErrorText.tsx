import clsx from "clsx";
import { CircleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "./Button";
import styles from "./ErrorText.module.css";
import { told } from "./problem";
import { useErrorWords } from "./useErrorWords";

/**
 * Any error in words, with a way on: `onRetry` where trying again can help. Nothing for no error.
 *
 * `center` for a pane that could not be filled.
 */
export function ErrorText({
  error,
  onRetry,
  center,
}: {
  error: unknown;
  onRetry?: (() => void) | undefined;
  center?: boolean | undefined;
}) {
  const { t } = useTranslation("app");
  const words = useErrorWords();
  if (error === null || error === undefined || error === false) return null;
  return (
    <div className={clsx(styles.error, center && styles.center)} role="alert">
      <CircleAlert size={center === true ? 28 : 18} aria-hidden="true" />
      <p>{words(error)}</p>
      {onRetry !== undefined && told(error).retryable && (
        <Button onPress={onRetry} className={styles.retry}>
          {t("retry")}
        </Button>
      )}
    </div>
  );
}
