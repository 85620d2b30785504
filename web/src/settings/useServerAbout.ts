import { useQuery } from "@tanstack/react-query";

/** What the server calls itself, from `/client.json`; `null` while that is not known. */
export function useServerAbout(): { name: string; version: string } | null {
  const { data } = useQuery({
    queryKey: ["client.json"],
    queryFn: async ({ signal }) => {
      const answer = await fetch("/client.json", { signal });
      if (!answer.ok) throw new TypeError(`client.json was answered ${answer.status}`);
      return (await answer.json()) as { name?: unknown; version?: unknown };
    },
    retry: false,
  });
  if (typeof data?.name !== "string" || typeof data.version !== "string") return null;
  return { name: data.name, version: data.version };
}
