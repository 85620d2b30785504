import i18next from "i18next";
import { Component, type ReactNode } from "react";
import { toast } from "@/ui/toasting";

/** Around a part that is loaded when it is used: if that fails, it is closed, and said; the conversation stays. */
export class Guard extends Component<{ onFailure: () => void; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidCatch() {
    toast(i18next.t("media:partFailed"), { error: true });
    this.props.onFailure();
  }

  override render() {
    return this.state.failed ? null : this.props.children;
  }
}
