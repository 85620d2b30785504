import { useEffect } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";
import { useTranslation } from "react-i18next";
import { useLocation, useSearch } from "wouter";
import { useStore } from "zustand";
import { sessionStore } from "@/auth/session";
import { loadTexts } from "@/i18n";
import { Announcements, Questions, Toasts } from "@/ui";
import { Boundary } from "./Boundary";
import { lazily } from "./lazily";
import { placeAfter, placeOf } from "./place";

const SignedIn = lazily(async () => {
  const [{ SignedIn }] = await Promise.all([import("./SignedIn"), loadTexts("chat", "media")]);
  return SignedIn;
});
const SignIn = lazily(async () => {
  const [{ SignIn }] = await Promise.all([import("@/auth/SignIn"), loadTexts("auth")]);
  return SignIn;
});
const SignUp = lazily(() => import("@/auth/SignUp").then((module) => module.SignUp));

/** So long nothing is shown yet: a spinner stays for longer than this. */
const AT_ONCE_MS = 400;

/** Loads what is shown first. Resolves when it is there, or when it is time to say that it is on its way. */
export async function preload(): Promise<void> {
  const first = sessionStore.getState().session === null ? SignIn : SignedIn;
  await Promise.race([first.load(), new Promise((resolve) => setTimeout(resolve, AT_ONCE_MS))]);
}

export function App() {
  const { i18n } = useTranslation("app");
  return (
    <I18nProvider locale={i18n.language}>
      <Boundary>
        <Page />
      </Boundary>
      <Questions />
      <Toasts />
      <Announcements />
    </I18nProvider>
  );
}

/** Signing in, or what needs a session: whichever is due, under whatever address. */
function Page() {
  const [path, go] = useLocation();
  const next = new URLSearchParams(useSearch()).get("next");
  const session = useStore(sessionStore, (state) => state.session);
  const place = placeOf(path);
  const entrance = place.at === "sign-in" || place.at === "sign-up";

  useEffect(() => {
    if (session !== null && entrance) go(placeAfter(next), { replace: true });
    // Whoever has to sign in comes back to where they were.
    if (session === null && !entrance)
      go(path === "/" ? "/signin" : `/signin?next=${encodeURIComponent(path)}`, { replace: true });
  }, [session, entrance, next, path, go]);

  if (session === null) return entrance && (place.at === "sign-in" ? <SignIn /> : <SignUp />);
  return !entrance && <SignedIn key={session.deviceId} session={session} place={place} />;
}
