import { useMutation } from "@tanstack/react-query";
import { Camera, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { uploadAvatar } from "@/media";
import { useMe } from "@/store/hooks";
import { Avatar, Button, confirm, toast, useErrorWords } from "@/ui";
import { AvatarCrop } from "./AvatarCrop";
import styles from "./AvatarEditor.module.css";
import { useProfilePatch } from "./useProfilePatch";

/** One's picture: another one, or none. */
export function AvatarEditor() {
  const { t } = useTranslation("settings");
  const me = useMe();
  const words = useErrorWords();
  const input = useRef<HTMLInputElement>(null);
  const [picture, setPicture] = useState<ImageBitmap | null>(null);
  const patch = useProfilePatch();
  const change = useMutation({
    mutationFn: async (square: Blob | null) => {
      const id = square === null ? null : await uploadAvatar(square);
      return patch.mutateAsync({ avatar_media_id: id });
    },
    onSuccess: () => {
      setPicture(null);
      toast(t("profile.saved"));
    },
    onError: (error) => toast(words(error), { error: true }),
  });
  useEffect(() => () => picture?.close(), [picture]);

  const open = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      setPicture(await createImageBitmap(file, { imageOrientation: "from-image" }));
    } catch {
      // The browser does not say more than that it is none of its kinds of picture.
      toast(t("avatar.not_a_picture"), { error: true });
    }
  };
  const remove = async () => {
    const sure = await confirm({ title: t("avatar.remove_title"), action: t("avatar.remove"), danger: true });
    if (sure) change.mutate(null);
  };

  return (
    <div className={styles.editor}>
      <Avatar name={me.name} mediaId={me.avatar_media_id} size={112} />
      <div className={styles.words}>
        <p className={styles.name}>
          <bdi>{me.name}</bdi>
        </p>
        <input
          ref={input}
          type="file"
          accept="image/*"
          hidden
          onChange={(event) => {
            void open(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        <div className={styles.actions}>
          <Button icon={Camera} onPress={() => input.current?.click()}>
            {me.avatar_media_id === null ? t("avatar.add") : t("avatar.change")}
          </Button>
          {me.avatar_media_id !== null && (
            <Button
              icon={Trash2}
              isPending={change.isPending && picture === null}
              onPress={() => void remove()}
            >
              {t("avatar.remove")}
            </Button>
          )}
        </div>
      </div>
      {picture !== null && (
        <AvatarCrop
          picture={picture}
          pending={change.isPending}
          onDone={(square) => change.mutate(square)}
          onClose={() => setPicture(null)}
        />
      )}
    </div>
  );
}
