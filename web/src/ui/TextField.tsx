import clsx from "clsx";
import { Eye, EyeOff } from "lucide-react";
import { type Ref, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { FieldFrame } from "./FieldFrame";
import frame from "./FieldFrame.module.css";
import { IconButton } from "./IconButton";

type Native = Omit<React.ComponentProps<"input">, "onChange" | "value" | "size" | "ref" | "className">;

export interface TextFieldProps extends Native {
  label: string;
  value: string;
  onChange: (value: string) => void;
  description?: React.ReactNode;
  /** What is wrong with it, in words: shown with it and read with it. */
  error?: string | undefined;
  /** The label is for those who hear the page alone; what the field is for is plain to see. */
  labelHidden?: boolean | undefined;
  /** More than one line; grows with its text. */
  multiline?: boolean | undefined;
  /** In front of the text, within the field. */
  start?: React.ReactNode;
  /** After the text, within the field. */
  end?: React.ReactNode;
  inputRef?: Ref<HTMLInputElement> | undefined;
}

/** A field for a text. A password can be shown. */
export function TextField(props: TextFieldProps) {
  const {
    label,
    value,
    onChange,
    description,
    error,
    labelHidden,
    multiline,
    start,
    end,
    inputRef,
    ...rest
  } = props;
  const { t } = useTranslation("app");
  const id = useId();
  const [shown, setShown] = useState(false);
  const password = rest.type === "password";
  const common = {
    id,
    value,
    // Empty, it is written in the direction of the page, as its placeholder is.
    dir: rest.dir ?? (password || rest.type === "tel" ? "ltr" : value === "" ? undefined : "auto"),
    "aria-invalid": error !== undefined,
    "aria-describedby":
      clsx(error !== undefined && `${id}-error`, description !== undefined && `${id}-description`) ||
      undefined,
  };
  return (
    <FieldFrame id={id} label={label} labelHidden={labelHidden} description={description} error={error}>
      {start}
      {multiline === true ? (
        <textarea
          {...(rest as React.ComponentProps<"textarea">)}
          {...common}
          className={clsx(frame.input, frame.multiline)}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <input
          {...rest}
          {...common}
          ref={inputRef}
          type={password && shown ? "text" : rest.type}
          className={frame.input}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
      {password && (
        <IconButton
          label={shown ? t("password.hide") : t("password.show")}
          icon={shown ? EyeOff : Eye}
          onPress={() => setShown(!shown)}
          className={frame.inside}
        />
      )}
      {end}
    </FieldFrame>
  );
}
