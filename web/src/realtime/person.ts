import type { UserView } from "@/types/socket";
import type { Person } from "./realtime";

/** Somebody as the server answers about them. It leaves out what is as usual. */
export function personOf(view: UserView): Person {
  return {
    id: view.id,
    name: view.name,
    status: view.status,
    avatarMediaId: view.avatar_media_id ?? null,
    online: view.online,
    lastSeen: view.last_seen ?? null,
    deleted: view.deleted ?? false,
  };
}
