import { type ComponentType, createContext } from "react";

export interface ItemProps {
  textValue: string;
  onAction: () => void;
  isDisabled: boolean;
  className: string;
  children: React.ReactNode;
}

/** What a menu is made of, given by the menu that is open: so that whoever names its items does not load all of it before it opens. */
export interface Parts {
  Item: ComponentType<ItemProps>;
  Separator: ComponentType<{ className: string }>;
}

export const MenuParts = createContext<Parts | null>(null);
