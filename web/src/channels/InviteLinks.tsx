import { Copy, Link2, Share2, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import type { Chat } from "@/realtime/realtime";
import { usePerson } from "@/store/hooks";
import {
  Button,
  confirm,
  EmptyState,
  ErrorText,
  formatDayTime,
  IconButton,
  Select,
  SkeletonRows,
  toast,
} from "@/ui";
import styles from "./InviteLinks.module.css";
import {
  type Invite,
  inviteLink,
  inviteState,
  useCreateInvite,
  useInvites,
  useRevokeInvite,
} from "./invites";
import { linkMadeHere } from "./madeHere";
import { canShare, copy, share } from "./sharing";
import { useAct } from "./useAct";

/** Seconds that a link is good for, and how many may come by it. */
const EXPIRIES = { hour: 3_600, day: 86_400, week: 604_800, month: 2_592_000, never: null } as const;
const LIMITS = { one: 1, ten: 10, hundred: 100, any: null } as const;
type Expiry = keyof typeof EXPIRIES;
type Limit = keyof typeof LIMITS;

/** The links by which people come into a group or channel: made, copied, shared and taken back. */
export function InviteLinks({ chat }: { chat: Chat }) {
  const { t } = useTranslation("channels");
  const invites = useInvites(chat.id);
  return (
    <div className={styles.page}>
      <p className={styles.lead}>{t("links.lead")}</p>
      <NewLink chat={chat} />
      {invites.isPending && <SkeletonRows label={t("info.loading")} count={2} />}
      <ErrorText error={invites.error} onRetry={() => void invites.refetch()} />
      {invites.data?.items.length === 0 && (
        <EmptyState icon={Link2} title={t("links.none")}>
          {t("links.noneHint")}
        </EmptyState>
      )}
      <ul className={styles.links}>
        {invites.data?.items.toReversed().map((invite) => (
          <Link key={invite.id} chat={chat} invite={invite} />
        ))}
      </ul>
    </div>
  );
}

function NewLink({ chat }: { chat: Chat }) {
  const { t } = useTranslation("channels");
  const create = useCreateInvite(chat.id);
  const [expiry, setExpiry] = useState<Expiry>("week");
  const [limit, setLimit] = useState<Limit>("any");
  const full = create.error instanceof ApiError && create.error.status === 409;
  return (
    <form
      className={styles.make}
      onSubmit={(event) => {
        event.preventDefault();
        if (!create.isPending) create.mutate({ expires_in_s: EXPIRIES[expiry], max_uses: LIMITS[limit] });
      }}
    >
      <div className={styles.choices}>
        <Select
          label={t("links.expires")}
          value={expiry}
          onChange={setExpiry}
          options={(Object.keys(EXPIRIES) as Expiry[]).map((value) => ({
            value,
            label: t(`links.expiry.${value}`),
          }))}
        />
        <Select
          label={t("links.limit")}
          value={limit}
          onChange={setLimit}
          options={(Object.keys(LIMITS) as Limit[]).map((value) => ({
            value,
            label: t(`links.limits.${value}`),
          }))}
        />
      </div>
      {full ? (
        <p className={styles.problem} role="alert">
          {t("links.tooMany")}
        </p>
      ) : (
        <ErrorText error={create.error} />
      )}
      <Button type="submit" variant="primary" icon={Link2} wide isPending={create.isPending}>
        {t("links.make")}
      </Button>
    </form>
  );
}

function Link({ chat, invite }: { chat: Chat; invite: Invite }) {
  const { t } = useTranslation("channels");
  const maker = usePerson(invite.created_by);
  const revoke = useRevokeInvite(chat.id);
  const { act } = useAct();
  const token = linkMadeHere(invite.id);
  const link = token === null ? null : inviteLink(token);
  const state = inviteState(invite, Date.now());

  async function hand(how: "copy" | "share"): Promise<void> {
    if (link === null) return;
    const done = how === "copy" ? await copy(link) : await share({ text: chat.title, url: link });
    if (done === "copied") toast(t("share.copied"));
    if (done === "failed") toast(t("share.failed"), { error: true });
  }

  async function takeBack(): Promise<void> {
    const sure = await confirm({
      title: t("links.revokeTitle"),
      body: t("links.revokeBody"),
      action: t("links.revoke"),
      danger: true,
    });
    if (sure) act(() => revoke.mutateAsync(invite.id), t("links.revoked"));
  }

  return (
    <li className={styles.link} data-open={state.open}>
      <div className={styles.words}>
        {link !== null ? (
          <bdi dir="ltr" className={styles.address}>
            {link.replace(/^https?:\/\//, "")}
          </bdi>
        ) : (
          <span className={styles.elsewhere}>{t("links.elsewhere", { name: maker?.name ?? "…" })}</span>
        )}
        <span className={styles.facts}>
          {[
            state.open
              ? invite.expires_at === null
                ? t("links.lasts")
                : t("links.until", { time: formatDayTime(invite.expires_at) })
              : t(`links.${state.why}`),
            invite.max_uses === null
              ? t("links.used", { count: invite.uses })
              : t("links.usedOf", { count: invite.max_uses, uses: invite.uses }),
          ].join(" · ")}
        </span>
      </div>
      <div className={styles.actions}>
        {link !== null && state.open && (
          <IconButton label={t("links.copy")} icon={Copy} onPress={() => void hand("copy")} />
        )}
        {link !== null && state.open && canShare() && (
          <IconButton label={t("links.share")} icon={Share2} onPress={() => void hand("share")} />
        )}
        <IconButton
          label={t("links.revoke")}
          icon={Trash2}
          variant="danger"
          isDisabled={revoke.isPending}
          onPress={() => void takeBack()}
        />
      </div>
    </li>
  );
}
