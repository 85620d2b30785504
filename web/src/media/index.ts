/** Files, voice notes and locations in conversations. What is not needed to show a conversation is loaded when it is used. */
export { AttachButton } from "./attaching/AttachButton";
export { useDropAndPaste } from "./attaching/dropping";
export { uploadAvatar } from "./avatar";
export { LiveLocationBanner } from "./location/LiveLocationBanner";
export { MediaHost } from "./MediaHost";
export { MessageMedia, OutgoingMedia } from "./MessageMedia";
export { type MediaFile, useMediaUrl } from "./mediaUrl";
export { useWantedMessage } from "./shared/showInChat";
export { UploadError, uploadAttachment } from "./upload";
export { VoiceRecorder } from "./voice/VoiceRecorder";
