/** Renders a component with what it has around it in the page: texts, the query cache, an address, the realtime side if it is given. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type RenderResult, render } from "@testing-library/react";
import i18next from "i18next";
import type { ReactElement } from "react";
import { Suspense } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";
import { Router } from "wouter";
import { memoryLocation } from "wouter/memory-location";
import type { RealtimeClient } from "@/realtime/realtime";
import { RealtimeProvider } from "@/store/context";

export interface Around {
  path?: string;
  realtime?: RealtimeClient;
}

export interface Rendered extends RenderResult {
  /** The addresses that have been gone to, the last one last. */
  history: string[];
  go: (path: string) => void;
}

/** The texts have to be there: `beforeAll(() => useLanguage("en"))`. */
export function renderPage(element: ReactElement, { path = "/", realtime }: Around = {}): Rendered {
  const { hook, searchHook, history, navigate } = memoryLocation({ path, record: true });
  const queries = new QueryClient({
    defaultOptions: { queries: { retry: false }, mutations: { retry: false } },
  });
  const result = render(
    <QueryClientProvider client={queries}>
      <I18nProvider locale={i18next.language}>
        <Router hook={hook} searchHook={searchHook}>
          <Suspense>
            {realtime === undefined ? (
              element
            ) : (
              <RealtimeProvider value={realtime}>{element}</RealtimeProvider>
            )}
          </Suspense>
        </Router>
      </I18nProvider>
    </QueryClientProvider>,
  );
  return { ...result, history, go: navigate };
}
