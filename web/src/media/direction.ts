import { useTranslation } from "react-i18next";

/** Whether the language of the page is read from right to left. */
export function useIsRtl(): boolean {
  const { i18n } = useTranslation("media");
  return i18n.dir(i18n.language) === "rtl";
}
