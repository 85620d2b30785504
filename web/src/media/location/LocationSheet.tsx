import { MapPin, Radio } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useRealtime } from "@/store/context";
import { useMe } from "@/store/hooks";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Spinner } from "@/ui/Spinner";
import type { OnAttach } from "../overlays";
import { Chart } from "./Chart";
import { Coordinates } from "./LocationCard";
import styles from "./LocationSheet.module.css";
import { type Fix, type LocatingProblem, watch } from "./locating";
import { sharingOf } from "./sharing";

/** For how long one can show where one is, in minutes. */
const LENGTHS = [15, 60, 480] as const;

/** Where one is, to be sent once or for a while as it changes. */
export default function LocationSheet({ onAttach, onClose }: { onAttach: OnAttach; onClose: () => void }) {
  const { t } = useTranslation("media");
  const client = useRealtime();
  const me = useMe();
  const [fix, setFix] = useState<Fix | null>(null);
  const [problem, setProblem] = useState<LocatingProblem | null>(null);
  const [tries, setTries] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each try asks the browser again
  useEffect(
    () =>
      watch((found) => {
        setFix(found);
        setProblem(null);
      }, setProblem),
    [tries],
  );

  const sendOnce = () => {
    if (fix === null) return;
    onClose();
    onAttach([{ type: "location", content: { ...fix } }]);
  };
  const share = (minutes: number) => {
    if (fix === null) return;
    const until = Date.now() + minutes * 60_000;
    sharingOf(client, me.id).expect(until);
    onClose();
    onAttach([{ type: "location", content: { ...fix, live_until: new Date(until).toISOString() } }]);
  };

  return (
    <Dialog title={t("location.title")} onClose={onClose}>
      <div className={styles.sheet}>
        {fix !== null ? (
          <>
            <Chart point={fix} accuracy={fix.accuracy} live={false} />
            <p className={styles.where}>
              <Coordinates point={fix} />
              <span className={styles.soft}>{t("location.accuracy", { metres: fix.accuracy })}</span>
            </p>
          </>
        ) : (
          <div className={styles.waiting} role="status">
            {problem === null ? (
              <>
                <Spinner size={28} />
                <p>{t("location.finding")}</p>
              </>
            ) : (
              <>
                <MapPin size={32} aria-hidden="true" />
                <p>{t(`location.problem.${problem}`)}</p>
                {problem !== "unsupported" && (
                  <Button
                    onPress={() => {
                      setProblem(null);
                      setTries(tries + 1);
                    }}
                  >
                    {t("retry")}
                  </Button>
                )}
              </>
            )}
          </div>
        )}
        <Button variant="primary" icon={MapPin} wide isDisabled={fix === null} onPress={sendOnce}>
          {t("location.send")}
        </Button>
        <section className={styles.live}>
          <h3>
            <Radio size={18} aria-hidden="true" />
            {t("location.shareLive")}
          </h3>
          <p className={styles.soft}>{t("location.shareLiveAbout")}</p>
          <div className={styles.lengths}>
            {LENGTHS.map((minutes) => (
              <Button key={minutes} isDisabled={fix === null} onPress={() => share(minutes)}>
                {minutes < 60
                  ? t("location.minutes", { count: minutes })
                  : t("location.hours", { count: minutes / 60 })}
              </Button>
            ))}
          </div>
        </section>
      </div>
    </Dialog>
  );
}
