import { MessagesSquare, SquarePen } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useChatOrder } from "@/store/hooks";
import { Button, EmptyState } from "@/ui";

/** The conversation's place while none is open. */
export function Home() {
  const { t } = useTranslation("app");
  const [, go] = useLocation();
  // Without any, the list has the button, and says more.
  const any = useChatOrder().length > 0;
  return (
    <EmptyState icon={MessagesSquare} title={t("home.title")}>
      <p>{t("home.body")}</p>
      {any && (
        <Button icon={SquarePen} onPress={() => go("/new")}>
          {t("home.new")}
        </Button>
      )}
    </EmptyState>
  );
}
