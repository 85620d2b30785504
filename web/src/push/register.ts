/** The first thing that a page does about all this, before and without anybody being signed in. */
import i18next from "i18next";
import { toast } from "@/ui";
import { watchWorker } from "./page";
import { forgetAtSignOut, renewSubscription } from "./session";

export function registerServiceWorker(): void {
  forgetAtSignOut();
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
