import { Compass } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { Button, EmptyState } from "@/ui";

export function Lost() {
  const { t } = useTranslation("app");
  const [, go] = useLocation();
  return (
    <EmptyState icon={Compass} title={t("lost.title")}>
      <p>{t("lost.body")}</p>
      <Button variant="primary" onPress={() => go("/", { replace: true })}>
        {t("lost.home")}
      </Button>
    </EmptyState>
  );
}
