/** People as this client knows them, from what the server answers about them. */
import { ApiError, api, ok } from "@/api/client";
import type { Person } from "@/realtime/realtime";
import type { UserView } from "@/types/socket";

export function personOf(view: UserView): Person {
  return {
    id: view.id,
    name: view.name,
    status: view.status,
    avatarMediaId: view.avatar_media_id,
    online: view.online,
    lastSeen: view.last_seen,
    deleted: view.deleted,
  };
}

/** Who has this number, in E.164, or `null` if nobody has. @throws ApiError */
export async function personByPhone(phone: string): Promise<Person | null> {
  try {
    return personOf(await ok(api.GET("/api/v1/users", { params: { query: { phone } } })));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
