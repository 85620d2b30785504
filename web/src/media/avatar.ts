import { upload } from "./upload";

/** The longest side of a profile picture: as large as it is ever shown, on the sharpest screens. */
const EDGE = 640;

/** Uploads a profile picture, cut to a square, upright and without what the camera has written into it; its `media_id`. @throws UploadError */
export async function uploadAvatar(file: Blob): Promise<string> {
  const { squared } = await import("./pictures/squared");
  const picture = await squared(file, EDGE);
  return upload(picture, "avatar", picture.type, null);
}
