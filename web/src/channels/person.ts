import { ApiError, api, ok } from "@/api/client";
import { personOf } from "@/realtime/person";
import type { Person } from "@/realtime/realtime";

/** Who has this number, in E.164, or `null` if nobody has. @throws ApiError */
export async function personByPhone(phone: string): Promise<Person | null> {
  try {
    return personOf(await ok(api.GET("/api/v1/users", { params: { query: { phone } } })));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
