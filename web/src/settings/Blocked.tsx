import { useTranslation } from "react-i18next";
import { useBlock, useBlocks } from "@/channels/blocks";
import { usePerson } from "@/store/hooks";
import { Avatar, Button, ErrorText, Row, SkeletonRows, toast, useErrorWords } from "@/ui";
import { Section } from "./Section";

/** Whom one has blocked; each block can be taken back. */
export function Blocked() {
  const { t } = useTranslation("settings");
  const { data, error, isPending, refetch } = useBlocks();
  return (
    <Section title={t("blocked.title")} lead={data?.length === 0 ? t("blocked.none") : t("blocked.lead")}>
      {isPending && <SkeletonRows label={t("loading")} count={1} />}
      {data === undefined && <ErrorText error={error} onRetry={() => void refetch()} />}
      {data?.map((userId) => (
        <BlockedRow key={userId} userId={userId} />
      ))}
    </Section>
  );
}

function BlockedRow({ userId }: { userId: string }) {
  const { t } = useTranslation("settings");
  const person = usePerson(userId);
  const words = useErrorWords();
  const { setBlocked, pending } = useBlock(userId);
  const name = person?.name ?? "";
  const unblock = async () => {
    try {
      await setBlocked(false);
      toast(t("blocked.undone", { name }));
    } catch (error) {
      toast(words(error), { error: true });
    }
  };
  return (
    <Row
      avatar={<Avatar name={name} mediaId={person?.avatarMediaId} size={40} />}
      title={<bdi>{name}</bdi>}
      end={
        <Button
          isPending={pending}
          onPress={() => void unblock()}
          aria-label={t("blocked.undo_of", { name })}
        >
          {t("blocked.undo")}
        </Button>
      }
    />
  );
}
