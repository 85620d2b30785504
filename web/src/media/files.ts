/** Which kind of message a file becomes. */
import type { Attachment } from "@/realtime/realtime";

type Kind = Attachment["kind"];

/** What the server's default settings take, by kind; anything may be sent as a document. */
const TYPES: Readonly<Record<Exclude<Kind, "document">, ReadonlySet<string>>> = {
  image: new Set(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"]),
  video: new Set(["video/mp4", "video/webm", "video/quicktime", "video/ogg", "video/3gpp"]),
  audio: new Set([
    "audio/mpeg",
    "audio/mp4",
    "audio/aac",
    "audio/ogg",
    "audio/opus",
    "audio/webm",
    "audio/wav",
    "audio/x-wav",
    "audio/x-m4a",
    "audio/flac",
  ]),
};

/** What a browser can make a JPEG of, whether or not it may be sent as it is. */
const CONVERTIBLE = new Set(["image/bmp", "image/x-ms-bmp", "image/heic", "image/heif"]);

export const bareType = (type: string): string => type.split(";")[0]?.trim().toLowerCase() ?? "";

/** The kind that a file is tried as. SVG is a document: it can hold scripts. */
export function kindOf(type: string): Kind {
  const bare = bareType(type);
  if (TYPES.image.has(bare) || CONVERTIBLE.has(bare)) return "image";
  if (TYPES.video.has(bare)) return "video";
  return TYPES.audio.has(bare) ? "audio" : "document";
}

/** Whether it may be sent as it is. */
export const isSendable = (kind: Kind, type: string): boolean =>
  kind === "document" || TYPES[kind].has(bareType(type));

/** Whether a browser may play it here: nothing else is ever given to a player, whatever a message says. */
export const isPlayable = (kind: "video" | "audio", type: string): boolean => TYPES[kind].has(bareType(type));

const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/avif": "avif",
  "video/mp4": "mp4",
  "video/webm": "webm",
  "video/quicktime": "mov",
  "audio/webm": "webm",
  "audio/mp4": "m4a",
  "audio/ogg": "ogg",
  "audio/mpeg": "mp3",
};

/** The file's name with the ending of the type that it has now. */
export function renamed(filename: string, type: string): string {
  const ending = EXTENSIONS[bareType(type)];
  if (ending === undefined) return filename;
  const stem = filename.replace(/\.[^./\\]{1,8}$/, "");
  return `${stem === "" ? "file" : stem}.${ending}`;
}

/** Names a file that has none: what is pasted, recorded or downloaded. */
export function nameFor(kind: Kind, type: string, at: Date): string {
  const stamp = at.toISOString().slice(0, 19).replaceAll(":", "-").replace("T", " ");
  return renamed(`${kind} ${stamp}`, type);
}

const GROUPS = {
  pdf: ["pdf"],
  text: ["txt", "md", "rtf", "doc", "docx", "odt", "pages", "tex", "log"],
  sheet: ["xls", "xlsx", "ods", "csv", "tsv", "numbers"],
  slides: ["ppt", "pptx", "odp", "key"],
  archive: ["zip", "gz", "tgz", "bz2", "xz", "7z", "rar", "tar", "zst"],
  code: [
    "js",
    "ts",
    "tsx",
    "jsx",
    "py",
    "rs",
    "go",
    "c",
    "h",
    "cpp",
    "java",
    "json",
    "yaml",
    "yml",
    "toml",
    "sh",
    "html",
    "css",
    "xml",
    "sql",
  ],
  picture: ["jpg", "jpeg", "png", "gif", "webp", "avif", "heic", "svg", "bmp", "tif", "tiff", "psd"],
  video: ["mp4", "mov", "webm", "mkv", "avi", "ogv"],
  audio: ["mp3", "m4a", "ogg", "wav", "flac", "opus", "aac"],
} as const;
export type DocumentGroup = keyof typeof GROUPS | "other";

/** The ending of a name, without the dot, in lower case; `""` without one. */
export const endingOf = (filename: string): string =>
  /\.([A-Za-z0-9]{1,8})$/.exec(filename)?.[1]?.toLowerCase() ?? "";

/** So much of a name is shown, of which so much is of its end. */
const SHOWN = 56;
const SHOWN_END = 16;

/** A name without its middle, if it is long: the ending, which says what it is, is always there. */
export function shortened(filename: string): string {
  const characters = [...filename];
  if (characters.length <= SHOWN) return filename;
  const [head, tail] = [characters.slice(0, SHOWN - SHOWN_END - 1), characters.slice(-SHOWN_END)];
  return `${head.join("")}…${tail.join("")}`;
}

/** What a document seems to be, for its icon. By its name: nothing depends on whether that is true. */
export function groupOf(filename: string): DocumentGroup {
  const ending = endingOf(filename);
  for (const [group, endings] of Object.entries(GROUPS)) {
    if ((endings as readonly string[]).includes(ending)) return group as DocumentGroup;
  }
  return "other";
}
