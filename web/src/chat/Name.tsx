/** Somebody's name, kept apart from the text around it: names may be written in any direction. */
import { useTranslation } from "react-i18next";
import { useMe, usePerson } from "@/store/hooks";

/** What somebody is called: "You" for oneself; nothing while it is not known yet. */
export function useName(userId: string): string {
  const { t } = useTranslation("chat");
  const me = useMe();
  const person = usePerson(userId === me.id ? null : userId);
  if (userId === me.id) return t("you");
  return person?.deleted === true ? t("deletedAccount") : (person?.name ?? "");
}

export function Name({ userId }: { userId: string }) {
  return <bdi>{useName(userId)}</bdi>;
}
