export { NotificationSettings } from "./NotificationSettings";
export { registerServiceWorker } from "./register";
export { useNotifications } from "./useNotifications";
