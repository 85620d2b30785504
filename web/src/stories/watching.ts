/** Whose stories are watched over a page that stays as it is behind them: part of its address, so that going back ends it. */
const PARAMETER = "story";

interface Address {
  pathname: string;
  search: string;
}

export function watchingOver({ pathname, search }: Address, userId: string): string {
  const parameters = new URLSearchParams(search);
  parameters.set(PARAMETER, userId);
  return `${pathname}?${parameters}`;
}

export const watchedOver = (search: string): string | null => new URLSearchParams(search).get(PARAMETER);

/** The page by itself again. */
export function watchedNoMore({ pathname, search }: Address): string {
  const parameters = new URLSearchParams(search);
  parameters.delete(PARAMETER);
  return parameters.size === 0 ? pathname : `${pathname}?${parameters}`;
}
