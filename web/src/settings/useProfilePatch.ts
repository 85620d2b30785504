import { useMutation } from "@tanstack/react-query";
import { api, ok } from "@/api/client";
import { useRealtime } from "@/store/context";
import type { components } from "@/types/openapi";

type ProfileBody = components["schemas"]["ProfileBody"];

/** Changes one's profile. The page shows the answer at once; other devices hear of it by `USER_UPDATED`. */
export function useProfilePatch() {
  const client = useRealtime();
  return useMutation({
    mutationFn: (body: Partial<ProfileBody>) =>
      ok(api.PATCH("/api/v1/users/me", { body: body as ProfileBody })),
    onSuccess: (me) => client.state.setState({ me }),
  });
}
