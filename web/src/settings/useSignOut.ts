import { useState } from "react";
import { useTranslation } from "react-i18next";
import { signOut } from "@/auth/signing";
import type { RealtimeState } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { confirm, useErrorWords } from "@/ui";

/** Messages that are in no other place than this browser. */
export function unsent(state: Pick<RealtimeState, "chats">): number {
  let sum = 0;
  for (const chat of state.chats.values()) sum += chat.outgoing;
  return sum;
}

/** Signs out, after asking; without the server only if that is wanted. What would be lost is said before. */
export function useSignOut() {
  const { t } = useTranslation("settings");
  const client = useRealtime();
  const words = useErrorWords();
  const [pending, setPending] = useState(false);

  const run = async () => {
    const waiting = unsent(client.state.getState());
    const sure = await confirm({
      title: t("sign_out.title"),
      body: waiting > 0 ? t("sign_out.unsent", { count: waiting }) : t("sign_out.body"),
      action: t("sign_out.action"),
      danger: waiting > 0,
    });
    if (!sure) return;
    setPending(true);
    try {
      await signOut(client);
    } catch (error) {
      setPending(false);
      const anyway = await confirm({
        title: t("sign_out.failed"),
        body: `${words(error)} ${t("sign_out.failed_body")}`,
        action: t("sign_out.anyway"),
        danger: true,
      });
      if (anyway) await signOut(client, { forced: true });
    }
  };
  return { pending, signOut: run };
}
