import { useTranslation } from "react-i18next";
import styles from "./Chart.module.css";
import { chart, type Point } from "./geodesy";

const WIDTH = 320;
const HEIGHT = 160;

/** Where a point is, on lines of round coordinates, with the circle of its accuracy and a scale. Drawn here: no map server learns of it. */
export function Chart({ point, accuracy, live }: { point: Point; accuracy: number | null; live: boolean }) {
  const { t, i18n } = useTranslation("media");
  const { meridians, parallels, radius, scale } = chart(point, accuracy, WIDTH, HEIGHT);
  const kilometres = scale.metres >= 1_000;
  const length = new Intl.NumberFormat(i18n.language, {
    style: "unit",
    unit: kilometres ? "kilometer" : "meter",
    unitDisplay: "short",
  }).format(kilometres ? scale.metres / 1_000 : scale.metres);
  return (
    <div className={styles.chart} data-live={live}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="xMidYMid slice" aria-hidden="true">
        <path
          className={styles.grid}
          d={[
            ...meridians.map((x) => `M${x.toFixed(1)} 0V${HEIGHT}`),
            ...parallels.map((y) => `M0 ${y.toFixed(1)}H${WIDTH}`),
          ].join("")}
        />
        {radius !== null && <circle className={styles.accuracy} cx={WIDTH / 2} cy={HEIGHT / 2} r={radius} />}
        {live ? (
          <>
            <circle className={styles.pulse} cx={WIDTH / 2} cy={HEIGHT / 2} r="9" />
            <circle className={styles.dot} cx={WIDTH / 2} cy={HEIGHT / 2} r="9" />
          </>
        ) : (
          <g transform={`translate(${WIDTH / 2} ${HEIGHT / 2})`}>
            <ellipse className={styles.shadow} cx="0" cy="1" rx="7" ry="3" />
            <path className={styles.pin} d="M0 0C-3-8-13-14-13-25a13 13 0 0 1 26 0C13-14 3-8 0 0Z" />
            <circle className={styles.eye} cx="0" cy="-25" r="5" />
          </g>
        )}
      </svg>
      <span className={styles.north} aria-hidden="true">
        {t("location.north")}
        <svg viewBox="0 0 10 14" width="10" height="14" aria-hidden="true">
          <path d="M5 0 10 12 5 9 0 12Z" />
        </svg>
      </span>
      <span className={styles.scale} dir="ltr" aria-hidden="true">
        <span className={styles.bar} style={{ inlineSize: `${(scale.length / WIDTH) * 100}%` }} />
        {length}
      </span>
    </div>
  );
}
