/** The title of the page: how much waits, where one is, what it is. */
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { formatCount } from "@/ui";

/** Marks that change the direction of what follows would do so for the browser's own words as well. */
const DIRECTIONS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function pageTitle(product: string, place: string, waiting: number): string {
  const where = place.replace(DIRECTIONS, "").trim();
  const count = waiting > 0 ? `(${formatCount(waiting, 99)}) ` : "";
  return `${count}${where === "" ? product : `${where} · ${product}`}`;
}

export function useTitle(place: string, waiting = 0): void {
  const { t } = useTranslation("app");
  const title = pageTitle(t("name"), place, waiting);
  useEffect(() => {
    document.title = title;
  }, [title]);
}
