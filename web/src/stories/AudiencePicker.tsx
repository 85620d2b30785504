import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePerson, useRealtimeState } from "@/store/hooks";
import { Avatar } from "@/ui/Avatar";
import { RadioGroup } from "@/ui/RadioGroup";
import { SearchField } from "@/ui/SearchField";
import styles from "./AudiencePicker.module.css";
import type { Audience } from "./posting";

/** So many are found without searching. */
const FEW = 8;

/** Who sees a story: everybody with whom one has a direct chat, or chosen ones among them. */
export function AudiencePicker({
  audience,
  onChange,
}: {
  audience: Audience;
  onChange: (audience: Audience) => void;
}) {
  const { t } = useTranslation("stories");
  const chats = useRealtimeState((state) => state.chats);
  const people = useRealtimeState((state) => state.people);
  const [search, setSearch] = useState("");
  const contacts = useMemo(
    () =>
      [...chats.values()].flatMap((chat) => (chat.type === "direct" && chat.peer_id ? [chat.peer_id] : [])),
    [chats],
  );
  const wanted = search.trim().toLocaleLowerCase();
  const found = contacts.filter((id) => (people.get(id)?.name ?? "").toLocaleLowerCase().includes(wanted));
  const chosen = audience === "contacts" ? [] : audience;
  return (
    <div className={styles.audience}>
      <RadioGroup
        label={t("audience.label")}
        value={audience === "contacts" ? "contacts" : "chosen"}
        onChange={(value) => onChange(value === "contacts" ? "contacts" : [])}
        options={[
          { value: "contacts", label: t("audience.contacts") },
          {
            value: "chosen",
            label: chosen.length === 0 ? t("audience.chosen") : t("audience.count", { count: chosen.length }),
          },
        ]}
      />
      {audience !== "contacts" && (
        <>
          {contacts.length > FEW && (
            <SearchField label={t("audience.search")} value={search} onChange={setSearch} />
          )}
          <ul className={styles.people} aria-label={t("audience.chosen")}>
            {found.map((id) => (
              <li key={id}>
                <Contact
                  userId={id}
                  chosen={chosen.includes(id)}
                  onChange={(yes) => onChange(yes ? [...chosen, id] : chosen.filter((other) => other !== id))}
                />
              </li>
            ))}
            {contacts.length === 0 && <li className={styles.none}>{t("audience.none")}</li>}
          </ul>
        </>
      )}
    </div>
  );
}

function Contact({
  userId,
  chosen,
  onChange,
}: {
  userId: string;
  chosen: boolean;
  onChange: (chosen: boolean) => void;
}) {
  const person = usePerson(userId);
  return (
    <label className={styles.person}>
      <Avatar name={person?.name ?? ""} mediaId={person?.avatarMediaId} size={36} />
      <bdi>{person?.name ?? "…"}</bdi>
      <input type="checkbox" checked={chosen} onChange={(event) => onChange(event.target.checked)} />
    </label>
  );
}
