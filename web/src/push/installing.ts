/** What a page does about the service worker, and what it tells of it. */
import i18next from "i18next";
import { toast } from "@/ui";
import { watchWorker } from "./page";
import { forgetAtSignOut, renewSubscription } from "./session";

export function install(): void {
  forgetAtSignOut();
  // The development server has no worker, and one would hide what has just been changed.
  if (import.meta.env.DEV) return;
  watchWorker({
    onUpdate(reload) {
      void i18next.loadNamespaces("channels").then(() => {
        const t = i18next.getFixedT(null, "channels");
        toast(t("update.ready"), { action: { label: t("update.reload"), onPress: reload } });
      });
    },
    onRenewed() {
      // Without a network the next page does it.
      renewSubscription().catch(() => undefined);
    },
  });
}
