import { upload } from "./upload";

/** Uploads a profile picture; its `media_id`. @throws UploadError */
export async function uploadAvatar(file: Blob): Promise<string> {
  return upload(file, "avatar", file.type, null);
}
