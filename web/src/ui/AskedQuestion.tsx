import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { questions } from "./asking";
import { Button } from "./Button";
import { Dialog } from "./Dialog";

/** The question that is due, if there is one. */
export function AskedQuestion() {
  const { t } = useTranslation("app");
  const question = useStore(questions, (state) => state.asked[0]);
  if (question === undefined) return null;
  return (
    <Dialog
      title={question.title}
      role="alertdialog"
      size="s"
      onClose={() => question.answer(false)}
      actions={
        <>
          <Button onPress={() => question.answer(false)} autoFocus={question.danger === true}>
            {t("cancel")}
          </Button>
          <Button
            variant={question.danger === true ? "danger" : "primary"}
            onPress={() => question.answer(true)}
            autoFocus={question.danger !== true}
          >
            {question.action}
          </Button>
        </>
      }
    >
      {question.body}
    </Dialog>
  );
}
