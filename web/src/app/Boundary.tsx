import { Component, type ErrorInfo, type ReactNode, Suspense } from "react";
import { Spinner } from "@/ui";
import { Broken } from "./Broken";

interface Props {
  children: ReactNode;
  /** While it is on its way. */
  waiting?: ReactNode;
}

/** A part of the page that may be on its way, or fail, without the rest. Give it a `key`: with another one it begins anew. */
export class Boundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    reportError(new Error(`a part of the page has failed${info.componentStack ?? ""}`, { cause: error }));
  }

  override render() {
    if (this.state.error !== null) {
      return <Broken error={this.state.error} onRetry={() => this.setState({ error: null })} />;
    }
    return <Suspense fallback={this.props.waiting ?? <Spinner center />}>{this.props.children}</Suspense>;
  }
}
