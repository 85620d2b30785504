/** The product's sign: two that talk. */
export function Mark({ size = 40 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 48 48" aria-hidden="true">
      <rect width="48" height="48" rx="14" fill="#5a45d1" />
      <path
        d="M31.5 20.5c5 1 8 4.200 8 8.200 0 2.100-.8 4-2.300 5.400l.9 4.300-4.600-1.800c-1.200.3-2.400.5-3.700.5-5.700 0-10.300-3.700-10.300-8.400"
        fill="#b9adff"
      />
      <path
        d="M21 10.500c6.900 0 12.500 4.600 12.500 10.300S27.900 31.100 21 31.100c-1.500 0-3-.2-4.300-.6l-5.700 2.300 1.100-5.300c-2.200-1.800-3.600-4.200-3.600-6.700 0-5.700 5.600-10.300 12.500-10.300Z"
        fill="#fff"
      />
      <circle cx="15.600" cy="20.800" r="1.900" fill="#5a45d1" />
      <circle cx="21" cy="20.800" r="1.900" fill="#5a45d1" />
      <circle cx="26.400" cy="20.800" r="1.900" fill="#5a45d1" />
    </svg>
  );
}
