/** What an installed app is called and looks like. */
import type { ManifestOptions } from "vite-plugin-pwa";

export const appManifest: Partial<ManifestOptions> = {
  id: "/",
  name: "Chat",
  short_name: "Chat",
  description: "Messages, groups, channels and stories.",
  start_url: "/",
  scope: "/",
  display: "standalone",
  background_color: "#fbfaf8",
  theme_color: "#5a45d1",
  categories: ["social"],
  icons: [
    { src: "/icons/icon.svg", sizes: "any", type: "image/svg+xml" },
    { src: "/icons/icon-192.png", sizes: "192x192", type: "image/png" },
    { src: "/icons/icon-512.png", sizes: "512x512", type: "image/png" },
    { src: "/icons/maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
  ],
  shortcuts: [
    { name: "New chat", url: "/new", icons: [{ src: "/icons/icon-192.png", sizes: "192x192" }] },
    { name: "Stories", url: "/stories", icons: [{ src: "/icons/icon-192.png", sizes: "192x192" }] },
  ],
};
