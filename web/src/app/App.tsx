import { useEffect } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";
import { useTranslation } from "react-i18next";
import { useLocation, useSearch } from "wouter";
import { useStore } from "zustand";
import { sessionStore } from "@/auth/session";
import { Announcements, Questions, Toasts } from "@/ui";
import { Boundary } from "./Boundary";
import { lazily } from "./lazily";
import { placeAfter, placeOf } from "./place";

const loadSignedIn = () => import("./SignedIn").then((module) => module.SignedIn);
const loadSignIn = () => import("@/auth/SignIn").then((module) => module.SignIn);
const SignedIn = lazily(loadSignedIn);
const SignIn = lazily(loadSignIn);
const SignUp = lazily(() => import("@/auth/SignUp").then((module) => module.SignUp));

/** Begins to load what will be shown first, while the texts are still on their way. It is asked for again, and told then if it failed. */
export function preload(): void {
  const load = sessionStore.getState().session === null ? loadSignIn : loadSignedIn;
  void load().catch(() => undefined);
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
