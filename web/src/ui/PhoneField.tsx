import { ChevronDown } from "lucide-react";
import { useEffect, useId, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { FieldFrame } from "./FieldFrame";
import frame from "./FieldFrame.module.css";
import styles from "./PhoneField.module.css";
import { type CountryCode, homeRegion, phonePlans, plainNumber } from "./phoneNumbers";

type Plans = Awaited<ReturnType<typeof phonePlans>>;

export interface PhoneFieldProps {
  label: string;
  /** E.164 as far as it has been typed: `+4930…`. Empty for none. */
  value: string;
  onChange: (e164: string) => void;
  description?: React.ReactNode;
  error?: string | undefined;
  autoFocus?: boolean | undefined;
  isDisabled?: boolean | undefined;
  autoComplete?: string | undefined;
}

/** A phone number: its country is chosen or typed (`+49 …`), the rest as people write it there. */
export function PhoneField(props: PhoneFieldProps) {
  const { label, value, onChange, description, error, autoFocus, isDisabled, autoComplete = "tel" } = props;
  const { t, i18n } = useTranslation("app");
  const id = useId();
  const [plans, setPlans] = useState<Plans | null>(null);
  const [region, setRegion] = useState(homeRegion);
  const [text, setText] = useState(value);
  const [told, setTold] = useState(value);

  useEffect(() => {
    let there = true;
    // Without the plans, a number with its country code can be typed all the same. They are large: the field may have gone by the time they come.
    const take = (plans: Plans | null) => {
      if (there) setPlans(plans);
    };
    phonePlans().then(take, () => take(null));
    return () => {
      there = false;
    };
  }, []);
  if (value !== told) {
    setTold(value);
    setText(value);
  }

  const change = (typed: string, where: string) => {
    const read = reading(plans, typed, where);
    // Formatting while something in the middle is changed would move the cursor.
    const atEnd = typed.length > text.length && typed.startsWith(text);
    setText(atEnd ? read.shown : typed);
    setRegion(read.region);
    setTold(read.e164);
    onChange(read.e164);
  };
  // Hundreds of them, which are the same with every digit that is typed.
  const countries = useMemo(
    () =>
      countryList(plans, i18n.language).map(({ code, name, calling }) => (
        <option key={code} value={code}>
          {`${name} (+${calling})`}
        </option>
      )),
    [plans, i18n.language],
  );

  return (
    <FieldFrame id={id} label={label} description={description} error={error}>
      <div className={styles.country}>
        <span aria-hidden="true">{plans === null ? region : `${region} +${callingCode(plans, region)}`}</span>
        <ChevronDown size={14} aria-hidden="true" />
        <select
          className={styles.select}
          aria-label={t("phone.country")}
          value={region}
          disabled={isDisabled}
          onChange={(event) => change(nationalPart(plans, text, region), event.target.value)}
        >
          {countries}
        </select>
      </div>
      <input
        id={id}
        className={frame.input}
        type="tel"
        dir="ltr"
        inputMode="tel"
        autoComplete={autoComplete}
        // biome-ignore lint/a11y/noAutofocus: the pages that ask for it have this field as their purpose
        autoFocus={autoFocus}
        disabled={isDisabled}
        maxLength={30}
        value={text}
        onChange={(event) => change(event.target.value, region)}
        aria-invalid={error !== undefined}
        aria-describedby={
          [error !== undefined && `${id}-error`, description !== undefined && `${id}-description`]
            .filter(Boolean)
            .join(" ") || undefined
        }
      />
    </FieldFrame>
  );
}

function callingCode(plans: Plans, region: string): string {
  return plans.isSupportedCountry(region) ? plans.getCountryCallingCode(region) : "";
}

/** What has been typed, as it is shown, as a number, and where it is from by now. */
function reading(plans: Plans | null, typed: string, region: string) {
  const plain = plainNumber(typed);
  if (plans === null || plain === "" || plain === "+") return { shown: typed, e164: plain, region };
  const typing = new plans.AsYouType(plans.isSupportedCountry(region) ? region : undefined);
  const shown = typing.input(plain);
  return { shown, e164: typing.getNumberValue() ?? plain, region: typing.getCountry() ?? region };
}

/** The number without its country, to be read in another one. */
function nationalPart(plans: Plans | null, text: string, region: string): string {
  if (plans === null) return text;
  const plain = plainNumber(text);
  const code = `+${callingCode(plans, region)}`;
  return plain.startsWith(code) ? plain.slice(code.length) : plain.replace(/^\+/, "");
}

function countryList(plans: Plans | null, language: string) {
  if (plans === null) return [];
  const names = new Intl.DisplayNames(language, { type: "region" });
  return plans
    .getCountries()
    .map((code: CountryCode) => ({
      code,
      name: names.of(code) ?? code,
      calling: plans.getCountryCallingCode(code),
    }))
    .sort((a, b) => a.name.localeCompare(b.name, language));
}
