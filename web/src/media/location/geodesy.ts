/** A small piece of the globe as a flat one: enough for a card that shows where somebody is, drawn here, without anybody's map server being told. */

export interface Point {
  lat: number;
  lng: number;
}

const METRES_PER_DEGREE = 111_320;

/** Metres from one point to another. */
export function distance(from: Point, to: Point): number {
  const rad = Math.PI / 180;
  const a =
    Math.sin(((to.lat - from.lat) * rad) / 2) ** 2 +
    Math.cos(from.lat * rad) * Math.cos(to.lat * rad) * Math.sin(((to.lng - from.lng) * rad) / 2) ** 2;
  return 2 * 6_371_000 * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** The round number (1, 2 or 5 times a power of ten) that is at most `value`. */
export function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = value / power;
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

export interface Chart {
  /** Where lines of round longitudes and latitudes are, in px. */
  meridians: number[];
  parallels: number[];
  /** Of the circle within which somebody is; `null` if that is not known. */
  radius: number | null;
  /** A line of `metres` is `length` px long. */
  scale: { metres: number; length: number };
  /** Where a point is, in px from the middle: x to the east, y to the south. */
  place: (point: Point) => { x: number; y: number };
}

/** At least so many metres are seen from top to bottom. */
const LEAST_SPAN_M = 240;
/** Lines are about so far apart, in px. */
const GRID_PX = 52;

/** A chart around a point. What is known vaguely is shown from further away. */
export function chart(centre: Point, accuracy: number | null, width: number, height: number): Chart {
  const span = Math.max(LEAST_SPAN_M, (accuracy ?? 0) * 3.2);
  const perMetre = height / span;
  const lngMetres = METRES_PER_DEGREE * Math.max(0.01, Math.cos((centre.lat * Math.PI) / 180));
  const pxPerLat = METRES_PER_DEGREE * perMetre;
  const pxPerLng = lngMetres * perMetre;
  const step = roundStep(GRID_PX / pxPerLat);
  const lngStep = roundStep(GRID_PX / pxPerLng);
  const metres = roundStep((width * 0.3) / perMetre);
  return {
    meridians: lines(centre.lng, width / pxPerLng, lngStep).map(
      (lng) => width / 2 + (lng - centre.lng) * pxPerLng,
    ),
    parallels: lines(centre.lat, height / pxPerLat, step).map(
      (lat) => height / 2 - (lat - centre.lat) * pxPerLat,
    ),
    radius: accuracy === null ? null : Math.max(4, accuracy * perMetre),
    scale: { metres, length: metres * perMetre },
    place: (point) => ({ x: (point.lng - centre.lng) * pxPerLng, y: (centre.lat - point.lat) * pxPerLat }),
  };
}

function lines(middle: number, span: number, step: number): number[] {
  const first = Math.ceil((middle - span / 2) / step);
  const last = Math.floor((middle + span / 2) / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

/** Coordinates with five decimals, about a metre, and the letters of their hemispheres. */
export function coordinates({ lat, lng }: Point): {
  lat: string;
  north: boolean;
  lng: string;
  east: boolean;
} {
  return {
    lat: `${Math.abs(lat).toFixed(5)}°`,
    north: lat >= 0,
    lng: `${Math.abs(lng).toFixed(5)}°`,
    east: lng >= 0,
  };
}

export function openStreetMap({ lat, lng }: Point): string {
  const [y, x] = [lat.toFixed(5), lng.toFixed(5)];
  return `https://www.openstreetmap.org/?mlat=${y}&mlon=${x}#map=17/${y}/${x}`;
}
