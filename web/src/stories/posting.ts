/** Telling a story: its file first, then the story, each once however often it is tried. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, ok } from "@/api/client";
import { uploadAttachment } from "@/media/upload";
import { newId } from "@/realtime/browser/newId";
import type { Draft } from "@/realtime/realtime";
import { useMe } from "@/store/hooks";
import type { StoryView } from "@/types/socket";
import { type StoryGroup, withStory } from "./groups";
import { STORIES } from "./news";

/** Everybody one knows, or some of them. */
export type Audience = "contacts" | string[];

export interface NewStory {
  type: StoryView["type"];
  content: Record<string, unknown>;
  attachment: Draft["attachment"];
  audience: Audience;
}

export function usePosting(onPosted: () => void) {
  const queries = useQueryClient();
  const me = useMe();
  const [progress, setProgress] = useState(0);
  // Of what was tried before: an answer that was lost makes no second story, and no file is uploaded twice.
  const before = useRef({ clientId: newId(), blob: null as Blob | null, mediaId: "" });
  const posting = useMutation({
    mutationFn: async ({ type, content, attachment, audience }: NewStory) => {
      const { current } = before;
      if (attachment !== undefined && current.blob !== attachment.blob) {
        const { media_id } = await uploadAttachment(attachment, { onProgress: setProgress });
        before.current = { ...current, blob: attachment.blob, mediaId: media_id };
      }
      const { clientId, mediaId } = before.current;
      const media_id = attachment === undefined ? null : mediaId;
      return ok(
        api.POST("/api/v1/stories", { body: { type, content, audience, media_id, client_id: clientId } }),
      );
    },
    onSuccess: (story) => {
      const person = { name: me.name, avatarMediaId: me.avatar_media_id ?? null };
      queries.setQueryData<StoryGroup[]>(
        STORIES,
        (groups) => groups && withStory(groups, story as StoryView, person),
      );
      onPosted();
    },
  });
  return { ...posting, progress };
}
