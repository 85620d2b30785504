import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { Kbd } from "@/ui";
import styles from "./ShortcutsList.module.css";
import { keyNames, type ShortcutGroup, shortcuts } from "./shortcuts";

const GROUPS: readonly ShortcutGroup[] = ["app", "list", "chat"];

/** The shortcuts that are to be had now, by where they belong. */
export function ShortcutsList() {
  const { t } = useTranslation("app");
  const registered = useStore(shortcuts, (state) => state.registered);
  return GROUPS.map((group) => {
    const members = registered.filter((shortcut) => shortcut.group === group);
    if (members.length === 0) return null;
    return (
      <section key={group} className={styles.group}>
        <h3 className={styles.title}>{t(`shortcuts.groups.${group}`)}</h3>
        <dl>
          {members.map(({ keys, description }) => (
            <div key={keys} className={styles.line}>
              <dt>{description}</dt>
              <dd>
                <Kbd keys={keyNames(keys)} />
              </dd>
            </div>
          ))}
        </dl>
      </section>
    );
  });
}
