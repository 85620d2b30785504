import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { told } from "./problem";

/** A function that says any error in words of the page's language, for toasts and live regions. */
export function useErrorWords(): (error: unknown) => string {
  const { t } = useTranslation("app");
  return useCallback(
    (error) => {
      const { problem, retryAfterMs } = told(error);
      if (problem === "rate_limited" && retryAfterMs !== null) {
        const seconds = Math.ceil(retryAfterMs / 1_000);
        return seconds > 90
          ? t("errors.rate_limited_minutes", { count: Math.ceil(seconds / 60) })
          : t("errors.rate_limited_seconds", { count: seconds });
      }
      return t(`errors.${problem}`);
    },
    [t],
  );
}
