import { LogOut } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "@/ui";
import { useSignOut } from "./useSignOut";

export function SignOutButton() {
  const { t } = useTranslation("settings");
  const { pending, signOut } = useSignOut();
  return (
    <Button icon={LogOut} isPending={pending} onPress={() => void signOut()}>
      {t("sign_out.action")}
    </Button>
  );
}
