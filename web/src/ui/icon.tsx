import type { LucideIcon } from "lucide-react";
import { isValidElement, type ReactElement } from "react";

/** A drawing beside words or on a button: an element, or one of lucide's components. Never read aloud. */
export type Icon = ReactElement | LucideIcon;

export function drawn(icon: Icon, size = 20): ReactElement {
  if (isValidElement(icon)) return icon;
  const Drawing = icon as LucideIcon;
  return <Drawing size={size} strokeWidth={1.9} aria-hidden="true" />;
}
