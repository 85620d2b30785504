import { MessagesSquare, SquarePen } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { Button, EmptyState } from "@/ui";

/** The conversation's place while none is open. */
export function Home() {
  const { t } = useTranslation("app");
  const [, go] = useLocation();
  return (
    <EmptyState icon={MessagesSquare} title={t("home.title")}>
      <p>{t("home.body")}</p>
      <Button variant="primary" icon={SquarePen} onPress={() => go("/new")}>
        {t("home.new")}
      </Button>
    </EmptyState>
  );
}
