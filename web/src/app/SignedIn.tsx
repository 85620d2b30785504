import { QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Session } from "@/auth/session";
import { MediaHost } from "@/media";
import { useNotifications } from "@/push";
import { RealtimeProvider } from "@/store/context";
import { useChat, useChatTitle, useRealtimeState } from "@/store/hooks";
import { AppShortcuts } from "./AppShortcuts";
import { Layout } from "./Layout";
import { Opening } from "./Opening";
import type { Place } from "./place";
import { newQueries } from "./queries";
import { useTitle } from "./title";
import { useRealtimeClient } from "./useRealtimeClient";
import { chatsWaiting } from "./waiting";

/** Everything that needs somebody to be signed in. Another session is another one of these: nothing of the last one is left. */
export function SignedIn({ session, place }: { session: Session; place: Place }) {
  const [queries] = useState(newQueries);
  const client = useRealtimeClient(session);
  if (client === null) return <Opening />;
  return (
    <QueryClientProvider client={queries}>
      <RealtimeProvider value={client}>
        <Opened place={place} />
      </RealtimeProvider>
    </QueryClientProvider>
  );
}

function Opened({ place }: { place: Place }) {
  const connection = useRealtimeState((state) => state.connection);
  const ready = useRealtimeState((state) => state.opened && state.me !== null);
  useNotifications();
  if (!ready) return <Opening connection={connection} />;
  return (
    <>
      <Title place={place} />
      <AppShortcuts />
      <Layout place={place} />
      <MediaHost />
    </>
  );
}

function Title({ place }: { place: Place }) {
  const { t } = useTranslation("app");
  const waiting = useRealtimeState(chatsWaiting);
  const chatTitle = useChatTitle(useChat(place.at === "chat" ? place.chatId : ""));
  const section = place.at === "stories" || place.at === "settings" ? t(`rail.${place.at}`) : "";
  useTitle(place.at === "chat" ? chatTitle : place.at === "new" ? t("home.new") : section, waiting);
  return null;
}
