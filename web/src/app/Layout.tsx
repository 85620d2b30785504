import clsx from "clsx";
import { CircleDashed } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearch } from "wouter";
import { ChatList } from "@/chat/ChatList";
import { Conversation } from "@/chat/Conversation";
import { useRealtime } from "@/store/context";
import { useConnection } from "@/store/hooks";
import { watchedNoMore, watchedOver } from "@/stories/watching";
import { EmptyState, useNarrow } from "@/ui";
import { Boundary } from "./Boundary";
import { ConnectionBanner } from "./ConnectionBanner";
import { Home } from "./Home";
import styles from "./Layout.module.css";
import { Lost } from "./Lost";
import { lazily } from "./lazily";
import { chatPath, type Place } from "./place";
import { Rail } from "./Rail";
import { useFocusOnArrival } from "./useFocusOnArrival";

const NewChat = lazily(() => import("@/channels/NewChat").then((module) => module.NewChat));
const ChatInfo = lazily(() => import("@/channels/ChatInfo").then((module) => module.ChatInfo));
const InvitePage = lazily(() => import("@/channels/InvitePage").then((module) => module.InvitePage));
const StoriesPane = lazily(() => import("@/stories/StoriesPane").then((module) => module.StoriesPane));
const StoryViewer = lazily(() => import("@/stories/StoryViewer").then((module) => module.StoryViewer));
const SettingsList = lazily(() => import("@/settings/SettingsList").then((module) => module.SettingsList));
const SettingsPane = lazily(() => import("@/settings/SettingsPane").then((module) => module.SettingsPane));

/** Rail, list, main pane and info panel side by side; on a narrow screen the last one of them that the address names. */
export function Layout({ place }: { place: Place }) {
  const { t } = useTranslation("app");
  const [path, go] = useLocation();
  const narrow = useNarrow();
  const connection = useConnection();
  const client = useRealtime();
  const panes = useRef<HTMLDivElement>(null);
  useFocusOnArrival(path, panes);
  const search = useSearch();
  const inStories = place.at === "stories" && place.userId !== null;
  const watched = inStories ? place.userId : watchedOver(search);
  const after = inStories ? "/stories" : watchedNoMore({ pathname: path, search });

  const info = place.at === "chat" && place.info !== false;
  const front = info ? "info" : isMain(place) ? "main" : "list";
  const shows = (pane: typeof front) => !narrow || pane === front;
  return (
    <div className={styles.app}>
      <a className={styles.skip} href="#main">
        {t("skip")}
      </a>
      {(!narrow || front === "list") && <Rail at={place.at} />}
      <div className={styles.content}>
        <ConnectionBanner state={connection} onRetry={() => client.connectNow()} />
        <div className={styles.panes} ref={panes}>
          <section
            className={clsx(styles.list, !shows("list") && styles.behind)}
            inert={!shows("list")}
            data-pane="list"
            aria-label={t(`rail.${sectionOf(place)}`)}
            {...(narrow && front === "list" ? { role: "main", id: "main", tabIndex: -1 } : {})}
          >
            <Boundary key={sectionOf(place)}>
              <List place={place} />
            </Boundary>
          </section>
          {(!narrow || front !== "list") && (
            <main
              id="main"
              tabIndex={-1}
              className={clsx(styles.main, !shows("main") && styles.behind)}
              inert={!shows("main")}
              data-pane="main"
            >
              <Boundary key={mainKey(place)}>
                <Main place={place} />
              </Boundary>
            </main>
          )}
          {info && (
            <aside className={styles.info} data-pane="info" aria-label={t("info")}>
              <Boundary key={place.chatId}>
                <ChatInfo
                  chatId={place.chatId}
                  media={place.info === "media"}
                  onClose={() => go(chatPath(place.chatId))}
                />
              </Boundary>
            </aside>
          )}
        </div>
      </div>
      {watched !== null && (
        <Boundary key={watched}>
          <StoryViewer userId={watched} onClose={() => go(after, { replace: true })} />
        </Boundary>
      )}
    </div>
  );
}

/** Whether the address is that of something in the main pane, so that on a narrow screen the list is behind it. */
function isMain(place: Place): boolean {
  if (place.at === "settings") return place.page !== null;
  return place.at === "chat" || place.at === "invite" || place.at === "nowhere";
}

/** What the list pane shows: with the same, it keeps its state. */
function sectionOf({ at }: Place): string {
  return at === "new" || at === "stories" || at === "settings" ? at : "chats";
}

function mainKey(place: Place): string {
  if (place.at === "chat") return `chat ${place.chatId}`;
  if (place.at === "settings") return `settings ${place.page ?? ""}`;
  return place.at;
}

function List({ place }: { place: Place }) {
  switch (sectionOf(place)) {
    case "new":
      return <NewChat />;
    case "stories":
      return <StoriesPane />;
    case "settings":
      return <SettingsList page={place.at === "settings" ? place.page : null} />;
    default:
      return <ChatList />;
  }
}

function Main({ place }: { place: Place }) {
  const { t } = useTranslation("app");
  switch (place.at) {
    case "chat":
      return <Conversation chatId={place.chatId} />;
    case "invite":
      return <InvitePage token={place.token} />;
    case "settings":
      return <SettingsPane page={place.page} />;
    case "stories":
      return (
        <EmptyState icon={CircleDashed} title={t("stories.title")}>
          <p>{t("stories.body")}</p>
        </EmptyState>
      );
    case "nowhere":
      return <Lost />;
    default:
      return <Home />;
  }
}
