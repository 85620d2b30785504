import { Phone as PhoneIcon, Share2, UserSearch } from "lucide-react";
import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Person } from "@/realtime/realtime";
import { useConnection } from "@/store/hooks";
import { Avatar, Button, ErrorText, Spinner, toast } from "@/ui";
import { Chips } from "./Chips";
import styles from "./PeopleField.module.css";
import { share } from "./sharing";
import { type Entry, usePeopleSearch } from "./usePeopleSearch";

export interface PeopleFieldProps {
  /** Its accessible name, and what stands in it. */
  label: string;
  /** Who has been chosen, when it takes more than one. */
  chosen?: readonly Person[];
  without: ReadonlySet<string>;
  /** Somebody is chosen; or, when they were already, not any more. */
  onPick: (person: Person) => void;
  /** Whose row shows that something is on its way. */
  pending?: string | null;
  /** Above the people, while nothing has been typed. */
  children?: React.ReactNode;
}

/**
 * Finds people by name or phone number. The field keeps the focus: arrows move through the list, Enter picks, Backspace in the empty field
 * takes back who was chosen last.
 */
export function PeopleField({ label, chosen, without, onPick, pending, children }: PeopleFieldProps) {
  const { t } = useTranslation("channels");
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const search = usePeopleSearch(without);
  const { query, entries } = search;
  const [at, setAt] = useState(-1);
  const active = Math.min(at, entries.length - 1);
  const many = chosen !== undefined;
  // Until the first time that a device has caught up, it knows of nobody whom one chats with.
  const known = useConnection().status === "online";

  function type(text: string): void {
    search.setQuery(text);
    // What one types for is the first in the list; without a text nothing is, so that Enter does nothing by accident.
    setAt(text === "" ? -1 : 0);
  }

  function pick(entry: Entry | undefined): void {
    if (entry === undefined) return;
    if (entry.kind === "find") {
      search.find(entry.phone);
      return;
    }
    onPick(entry.person);
    if (many) type("");
    input.current?.focus();
  }

  function move(to: number): void {
    const next = entries.length === 0 ? -1 : (to + entries.length) % entries.length;
    setAt(next);
    document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: "nearest" });
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") move(active + 1);
    else if (event.key === "ArrowUp") move(active < 0 ? entries.length - 1 : active - 1);
    else if (event.key === "Enter") pick(entries[active]);
    else if (event.key === "Escape" && query !== "") type("");
    else if (event.key === "Backspace" && query === "" && chosen?.length) {
      const last = chosen.at(-1);
      if (last !== undefined) onPick(last);
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div className={styles.field}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a press beside the input focuses it, as in every field */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard reaches the input itself */}
      <div className={styles.box} onClick={() => input.current?.focus()}>
        {many && chosen.length > 0 ? (
          <Chips people={chosen} onRemove={onPick} />
        ) : (
          <UserSearch size={18} className={styles.icon} aria-hidden="true" />
        )}
        <input
          ref={input}
          className={styles.input}
          role="combobox"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-label={label}
          {...(active >= 0 ? { "aria-activedescendant": `${id}-${active}` } : {})}
          placeholder={label}
          dir="auto"
          autoComplete="off"
          spellCheck={false}
          enterKeyHint="search"
          value={query}
          onChange={(event) => type(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className={styles.scroll}>
        {query === "" && children}
        {search.error !== null && <ErrorText error={search.error} />}
        {search.nobody !== null && <Nobody phone={search.nobody.shown} />}
        {entries.length > 0 && query === "" && <h2 className={styles.heading}>{t("people.known")}</h2>}
        <div id={`${id}-list`} role="listbox" aria-label={t("people.list")} aria-multiselectable={many}>
          {entries.map((entry, index) => {
            const selected =
              entry.kind === "person" && chosen?.some(({ id }) => id === entry.person.id) === true;
            const busy = entry.kind === "find" ? search.finding : pending === entry.person.id;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard is the field's
              // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus and names the active option
              <div
                key={entry.kind === "find" ? "find" : entry.person.id}
                id={`${id}-${index}`}
                role="option"
                aria-selected={selected}
                className={styles.option}
                data-active={index === active}
                onClick={() => pick(entry)}
              >
                <EntryRow entry={entry} />
                {busy && <Spinner size={18} />}
                {many && entry.kind === "person" && <span className={styles.tick} data-on={selected} />}
              </div>
            );
          })}
        </div>
        {entries.length === 0 && search.nobody === null && (query !== "" || known) && (
          <p className={styles.none}>{query === "" ? t("people.nobodyYet") : t("people.noMatch")}</p>
        )}
      </div>
    </div>
  );
}

function EntryRow({ entry }: { entry: Entry }) {
  const { t } = useTranslation("channels");
  if (entry.kind === "find") {
    return (
      <>
        <span className={styles.phone}>
          <PhoneIcon size={20} aria-hidden="true" />
        </span>
        <span className={styles.words}>
          <span className={styles.name}>
            {t("people.find")} <bdi dir="ltr">{entry.phone.shown}</bdi>
          </span>
          <span className={styles.status}>{t("people.findHint")}</span>
        </span>
      </>
    );
  }
  const { person, phone } = entry;
  return (
    <>
      <Avatar name={person.name} mediaId={person.avatarMediaId} online={person.online} />
      <span className={styles.words}>
        <bdi className={styles.name}>{person.name}</bdi>
        {phone !== null ? (
          <bdi dir="ltr" className={styles.status}>
            {phone.shown}
          </bdi>
        ) : (
          person.status !== "" && <bdi className={styles.status}>{person.status}</bdi>
        )}
      </span>
    </>
  );
}

function Nobody({ phone }: { phone: string }) {
  const { t } = useTranslation("channels");
  async function invite() {
    const shared = await share({ text: t("people.inviteText"), url: location.origin });
    if (shared === "copied") toast(t("share.copied"));
    if (shared === "failed") toast(t("share.failed"), { error: true });
  }
  return (
    <div className={styles.nobody} role="status">
      <p>
        {t("people.nobodyHas")} <bdi dir="ltr">{phone}</bdi>
      </p>
      <Button icon={Share2} onPress={() => void invite()}>
        {t("people.invite")}
      </Button>
    </div>
  );
}
