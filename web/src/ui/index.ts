/** The design system. Everything that the interface is made of comes from here. */
export { Announcements } from "./Announcements";
export { Avatar, type AvatarProps } from "./Avatar";
export { announce } from "./announcing";
export { confirm, type Question } from "./asking";
export { Badge } from "./Badge";
export { Button, type ButtonProps } from "./Button";
export { ContextMenu } from "./ContextMenu";
export { Dialog } from "./Dialog";
export { EmptyState } from "./EmptyState";
export { ErrorText } from "./ErrorText";
export { FieldFrame } from "./FieldFrame";
export {
  formatBytes,
  formatCount,
  formatDay,
  formatDayTime,
  formatDuration,
  formatFull,
  formatListTime,
  formatRelative,
  formatTime,
  isNow,
} from "./format";
export { IconButton, type IconButtonProps } from "./IconButton";
export type { Icon } from "./icon";
export { Kbd } from "./Kbd";
export { Menu, MenuItem, MenuSeparator } from "./Menu";
export { PaneHeader } from "./PaneHeader";
export { PhoneField, type PhoneFieldProps } from "./PhoneField";
export { Popover } from "./Popover";
export { fieldError, told } from "./problem";
export { Questions } from "./Questions";
export { type Choice, RadioGroup } from "./RadioGroup";
export { Row, type RowProps } from "./Row";
export { SearchField } from "./SearchField";
export { Select } from "./Select";
export { SkeletonRows } from "./SkeletonRows";
export { Spinner } from "./Spinner";
export { Switch } from "./Switch";
export { type TabItem, Tabs } from "./Tabs";
export { TextField, type TextFieldProps } from "./TextField";
export { Toasts } from "./Toasts";
export { Tooltip } from "./Tooltip";
export { type ToastOptions, toast } from "./toasting";
export { useErrorWords } from "./useErrorWords";
export { useMedia, useNarrow } from "./useNarrow";
