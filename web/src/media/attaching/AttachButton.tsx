import { FileText, Image, MapPin, Plus } from "lucide-react";
import { memo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui/IconButton";
import { Menu, MenuItem } from "@/ui/Menu";
import { choose, locateMe, type OnAttach } from "../overlays";
import styles from "./AttachButton.module.css";

interface AttachButtonProps {
  onAttach: OnAttach;
  isDisabled?: boolean;
}

/** What can go with a message: pictures and videos, any file, where one is. Each is looked at once more before it is sent. */
export const AttachButton = memo(function AttachButton({ onAttach, isDisabled = false }: AttachButtonProps) {
  const { t } = useTranslation("media");
  const pictures = useRef<HTMLInputElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const onChange = (event: React.ChangeEvent<HTMLInputElement>) => {
    choose([...(event.target.files ?? [])], onAttach);
    // So that the same file can be chosen again.
    event.target.value = "";
  };
  return (
    <>
      <Menu
        label={t("attach.label")}
        placement="top start"
        trigger={<IconButton label={t("attach.label")} icon={Plus} isDisabled={isDisabled} />}
      >
        <MenuItem icon={Image} onAction={() => pictures.current?.click()}>
          {t("attach.pictures")}
        </MenuItem>
        <MenuItem icon={FileText} onAction={() => files.current?.click()}>
          {t("attach.document")}
        </MenuItem>
        <MenuItem icon={MapPin} onAction={() => locateMe(onAttach)}>
          {t("attach.location")}
        </MenuItem>
      </Menu>
      <input
        ref={pictures}
        className={styles.input}
        type="file"
        accept="image/*,video/*"
        multiple
        tabIndex={-1}
        aria-hidden="true"
        data-attach="pictures"
        onChange={onChange}
      />
      <input
        ref={files}
        className={styles.input}
        type="file"
        multiple
        tabIndex={-1}
        aria-hidden="true"
        data-attach="files"
        onChange={onChange}
      />
    </>
  );
});
