import { MessageSquarePlus, MessagesSquare, SearchX } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { VList, type VListHandle } from "virtua";
import { useLocation, useRoute } from "wouter";
import { useChatOrder, useOpened, useRealtimeState } from "@/store/hooks";
import { Button, EmptyState, IconButton, PaneHeader, SearchField, SkeletonRows } from "@/ui";
import styles from "./ChatList.module.css";
import { ChatRow } from "./ChatRow";
import { FilterBar } from "./FilterBar";
import { type Filter, shows } from "./filters";
import { titleOf } from "./titles";

export function ChatList() {
  const { t } = useTranslation("chat");
  const [, navigate] = useLocation();
  const [, open] = useRoute("/chats/:chatId/*?");
  const opened = useOpened();
  const [query, setQuery] = useState("");
  const [filter, setFilter] = useState<Filter>("all");
  const total = useChatOrder().length;
  const shown = useShown(filter, query, open?.chatId ?? null);
  const writeNew = () => navigate("/new");
  return (
    <div className={styles.pane}>
      <PaneHeader title={t("chats")}>
        <IconButton label={t("newChat")} icon={MessageSquarePlus} onPress={writeNew} />
      </PaneHeader>
      <div className={styles.find}>
        <SearchField label={t("searchChats")} value={query} onChange={setQuery} />
        <FilterBar filter={filter} onChange={setFilter} />
      </div>
      {!opened ? (
        <SkeletonRows label={t("loadingChats")} count={8} />
      ) : total === 0 ? (
        <EmptyState icon={MessagesSquare} title={t("noChats.title")}>
          {t("noChats.body")}
          <Button variant="primary" onPress={writeNew}>
            {t("newChat")}
          </Button>
        </EmptyState>
      ) : shown.length === 0 ? (
        <EmptyState icon={SearchX} title={t("noMatch.title")}>
          {query === "" ? t(`noMatch.${filter}`) : t("noMatch.body", { query })}
          <Button
            onPress={() => {
              setQuery("");
              setFilter("all");
            }}
          >
            {t("noMatch.all")}
          </Button>
        </EmptyState>
      ) : (
        <Rows ids={shown} open={open?.chatId ?? null} />
      )}
    </div>
  );
}

/** The ids of the chats to show, the same array until it has changed. */
function useShown(filter: Filter, query: string, open: string | null): readonly string[] {
  const order = useChatOrder();
  const plain = filter === "all" && query.trim() === "";
  // Not asked for where all are shown: then the list need not be rendered again for every message.
  const chats = useRealtimeState((state) => (plain ? null : state.chats));
  const people = useRealtimeState((state) => (plain ? null : state.people));
  return useMemo(() => {
    if (chats === null || people === null) return order;
    return order.filter((id) => {
      const chat = chats.get(id);
      return chat !== undefined && shows(chat, titleOf(chat, people), filter, query, open);
    });
  }, [order, chats, people, filter, query, open]);
}

function Rows({ ids, open }: { ids: readonly string[]; open: string | null }) {
  const { t } = useTranslation("chat");
  const list = useRef<VListHandle>(null);
  const [current, setCurrent] = useState<{ id: string; focus: boolean } | null>(null);
  // By the tabulator one comes to the chat that one was at, else to the open one, else to the first.
  const at = Math.max(0, ids.indexOf(current?.id ?? open ?? ""));
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const index = ids.indexOf((event.target as HTMLElement).dataset.chat ?? "");
    if (index < 0) return;
    if (event.key === "Delete") {
      event.target.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
      event.preventDefault();
      return;
    }
    const moves: Record<string, number> = {
      ArrowUp: index - 1,
      ArrowDown: index + 1,
      Home: 0,
      End: ids.length - 1,
    };
    const id = ids[moves[event.key] ?? -1];
    if (id === undefined) return;
    event.preventDefault();
    list.current?.scrollToIndex(ids.indexOf(id), { align: "nearest" });
    setCurrent({ id, focus: true });
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: its items are placed by the virtual list
    <div role="list" aria-label={t("chats")} className={styles.list} onKeyDown={onKeyDown}>
      <VList ref={list} data={ids} itemSize={72} keepMounted={[at]} className={styles.scroller ?? ""}>
        {(id, index) => (
          <ChatRow
            key={id}
            chatId={id}
            open={id === open}
            current={index === at}
            focused={current?.focus === true && current.id === id}
            onFocus={setCurrent}
          />
        )}
      </VList>
    </div>
  );
}
