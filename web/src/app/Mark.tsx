/** The product's sign: the same as the icon of the installed app. */
export function Mark({ size = 40 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 512 512" aria-hidden="true">
      <rect width="512" height="512" rx="132" fill="#5a45d1" />
      <path
        fill="#fff"
        d="M256 112c-88.400 0-160 60.900-160 136 0 43.600 24.200 82.400 61.700 107.200L146 412.500c-1.400 6.900 5.700 12.500 12.100 9.500l67.600-31.200c9.800 1.500 19.900 2.200 30.300 2.200 88.400 0 160-60.900 160-145S344.400 112 256 112z"
      />
      <g fill="#5a45d1">
        <circle cx="186" cy="252" r="23" />
        <circle cx="256" cy="252" r="23" />
        <circle cx="326" cy="252" r="23" />
      </g>
    </svg>
  );
}
