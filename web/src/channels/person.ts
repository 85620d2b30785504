import { ApiError, api, ok } from "@/api/client";
import { personOf } from "@/realtime/person";
import type { Person } from "@/realtime/realtime";

/** Who has this number, in E.164, or `null` if nobody has. @throws ApiError */
export async function personByPhone(phone: string): Promise<Person | null> {
  try {
    const found = await ok(api.GET("/api/v1/users", { params: { query: { phone } } }));
    // A list is the answer to ids alone.
    return "items" in found ? null : personOf(found);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
