import { Radio } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { useHistory, useMe, usePerson } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { formatTime } from "@/ui/format";
import { place } from "../content";
import styles from "./LiveLocationBanner.module.css";
import { StopSharing } from "./LocationCard";
import { type Share, sharingState } from "./shares";
import { useNow } from "./useNow";

interface Live {
  seq: number;
  until: number;
  userId: string;
}

/** Live locations of a chat at a time: of its messages, and those that this device feeds, whose messages may be far up in the history. */
export function liveIn(
  chatId: string,
  messages: readonly MessageView[],
  shares: readonly Share[],
  me: string,
  now: number,
): { own: Live | null; others: Live[] } {
  const live = new Map<number, Live>();
  for (const share of shares) {
    if (share.chatId === chatId && share.seq !== null)
      live.set(share.seq, { seq: share.seq, until: share.until, userId: me });
  }
  for (const message of messages) {
    if (message.type !== "location" || message.chat_id !== chatId) continue;
    live.delete(message.seq);
    const until = message.deleted ? null : place(message.content as Record<string, unknown>)?.liveUntil;
    if (until) live.set(message.seq, { seq: message.seq, until, userId: message.sender_id });
  }
  const running = [...live.values()]
    .filter(({ until }) => until > now)
    .sort((one, other) => one.until - other.until);
  // Of each person the one that lasts longest.
  const people = new Map(running.map((share) => [share.userId, share]));
  const own = people.get(me) ?? null;
  people.delete(me);
  return { own, others: [...people.values()] };
}

/** Says, above a conversation, that somebody in it shows where they are; with a way to stop that for oneself. */
export function LiveLocationBanner({ chatId }: { chatId: string }) {
  const { t } = useTranslation("media");
  const me = useMe();
  const messages = useHistory(chatId)?.messages;
  const { shares, problem } = useStore(sharingState);
  const ends = useMemo(
    () => liveIn(chatId, messages ?? [], shares, me.id, 0),
    [chatId, messages, shares, me.id],
  );
  const last = Math.max(ends.own?.until ?? 0, ...ends.others.map(({ until }) => until));
  const now = useNow(last === 0 ? null : last);
  if (last <= now) return null;
  const { own, others } = liveIn(chatId, messages ?? [], shares, me.id, now);
  const first = others[0];
  return (
    <div className={styles.banner} role="status">
      <Radio size={18} aria-hidden="true" className={styles.icon} />
      <div className={styles.words}>
        {own !== null && (
          <p>
            {t("banner.own", { time: formatTime(own.until) })}
            {problem !== null && <span className={styles.problem}> {t(`location.problem.${problem}`)}</span>}
          </p>
        )}
        {first !== undefined && (
          <p>
            {others.length === 1 ? (
              <OneOther userId={first.userId} until={first.until} />
            ) : (
              t("banner.others", { count: others.length })
            )}
          </p>
        )}
      </div>
      {own !== null && <StopSharing chatId={chatId} seq={own.seq} />}
    </div>
  );
}

function OneOther({ userId, until }: { userId: string; until: number }) {
  const { t } = useTranslation("media");
  const person = usePerson(userId);
  return t("banner.other", { name: `\u2068${person?.name ?? "…"}\u2069`, time: formatTime(until) });
}
