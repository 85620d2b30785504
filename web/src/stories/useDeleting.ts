import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ok } from "@/api/client";
import { confirm } from "@/ui/asking";
import { toast } from "@/ui/toasting";
import { useErrorWords } from "@/ui/useErrorWords";
import { type StoryGroup, withoutStory } from "./groups";
import { STORIES } from "./news";

/** Ends one's own story, once that is confirmed. */
export function useDeleting(
  storyId: string,
  onDeleted: () => void,
): { asking: boolean; ask: () => Promise<void> } {
  const { t } = useTranslation("stories");
  const words = useErrorWords();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { mutateAsync } = useMutation({
    mutationFn: () =>
      ok(api.DELETE("/api/v1/stories/{story_id}", { params: { path: { story_id: storyId } } })),
    onSuccess: () => {
      queries.setQueryData<StoryGroup[]>(STORIES, (groups) => groups && withoutStory(groups, storyId));
      toast(t("deleted"));
      onDeleted();
    },
    onError: (error) => toast(words(error), { error: true }),
  });
  const ask = async () => {
    setAsking(true);
    const sure = await confirm({
      title: t("delete.title"),
      body: t("delete.body"),
      action: t("delete.action"),
      danger: true,
    });
    // What goes wrong has been said.
    if (sure) await mutateAsync().catch(() => undefined);
    setAsking(false);
  };
  return { asking, ask };
}
