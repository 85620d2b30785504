import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2Off, Megaphone, Users } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { ApiError, api, ok } from "@/api/client";
import { chatPath } from "@/app/place";
import { useRealtime } from "@/store/context";
import { Avatar, Button, EmptyState, ErrorText, formatDayTime, PaneHeader, Spinner } from "@/ui";
import styles from "./InvitePage.module.css";

/** Where an invite link leads: what it is a link into, and coming in. Whoever is not signed in is led here after that. */
export function InvitePage({ token }: { token: string }) {
  const { t } = useTranslation("channels");
  const [, navigate] = useLocation();
  return (
    <div className={styles.page}>
      <PaneHeader title={t("invite.title")} onBack={() => navigate("/")} />
      <div className={styles.middle}>
        <Invite token={token} />
      </div>
    </div>
  );
}

const inviteKey = (token: string) => ["invite", token] as const;

const path = (token: string) => ({ params: { path: { token } } });

/** What there is to say when a link does not let somebody in, or `null` for what is no matter of the link's. */
export function whyNot(error: unknown): "gone" | "notYou" | "full" | null {
  if (!(error instanceof ApiError)) return null;
  // The server tells nobody which of these it is: never there, run out, used up, or taken back.
  if (error.status === 404) return "gone";
  if (error.status === 403) return "notYou";
  return error.status === 409 ? "full" : null;
}

function Invite({ token }: { token: string }) {
  const { t } = useTranslation("channels");
  const client = useRealtime();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const preview = useQuery({
    queryKey: inviteKey(token),
    queryFn: ({ signal }) => ok(api.GET("/api/v1/invites/{token}", { ...path(token), signal })),
    retry: (tries, error) => whyNot(error) === null && tries < 2,
  });
  const join = useMutation({
    // Whoever is in it already is answered with the chat all the same.
    mutationFn: () => ok(api.POST("/api/v1/invites/{token}/join", path(token))),
    onSuccess: (chat) => {
      client.adopt(chat);
      navigate(chatPath(chat.id), { replace: true });
      // Whoever comes back to the link is in the chat by then.
      queries.removeQueries({ queryKey: inviteKey(token) });
    },
  });

  const why = whyNot(join.error) ?? whyNot(preview.error);
  if (why !== null) {
    return (
      <EmptyState icon={Link2Off} title={t(`invite.${why}`)}>
        <p>{t(`invite.${why}Hint`)}</p>
        <Button onPress={() => navigate("/")}>{t("invite.home")}</Button>
      </EmptyState>
    );
  }
  if (preview.error !== null)
    return <ErrorText error={preview.error} onRetry={() => void preview.refetch()} center />;
  if (preview.data === undefined) return <Spinner />;

  const { type, title, member_count: members, expires_at: expiresAt, chat_id: inside } = preview.data;
  const channel = type === "channel";
  return (
    <div className={styles.card}>
      <Avatar name={title} size={104} />
      <h2 className={styles.title}>
        <bdi>{title}</bdi>
      </h2>
      <p className={styles.kind}>
        {channel ? <Megaphone size={16} aria-hidden="true" /> : <Users size={16} aria-hidden="true" />}
        {t(channel ? "info.channelOf" : "info.groupOf", { count: members })}
      </p>
      {inside !== null ? (
        <>
          <p className={styles.what}>{t(channel ? "invite.channelInside" : "invite.groupInside")}</p>
          <Button variant="primary" wide onPress={() => navigate(chatPath(inside), { replace: true })}>
            {t("invite.open")}
          </Button>
        </>
      ) : (
        <>
          <p className={styles.what}>{t(channel ? "invite.channelWhat" : "invite.groupWhat")}</p>
          <ErrorText error={join.error} onRetry={() => join.mutate()} />
          <Button variant="primary" wide isPending={join.isPending} onPress={() => join.mutate()}>
            {t(channel ? "invite.joinChannel" : "invite.joinGroup")}
          </Button>
          {expiresAt !== null && (
            <p className={styles.expires}>{t("links.until", { time: formatDayTime(expiresAt) })}</p>
          )}
        </>
      )}
    </div>
  );
}
