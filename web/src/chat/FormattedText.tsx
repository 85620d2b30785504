/** What somebody wrote: simple formatting and links as elements, all else as text. */
import Linkify from "linkify-react";
import type { Opts } from "linkifyjs";
import { memo, type ReactNode } from "react";
import { emojiOnly } from "./emoji";
import styles from "./FormattedText.module.css";
import { type Formatted, formatted } from "./formatting";

const LINKS: Opts = {
  defaultProtocol: "https",
  rel: "noopener noreferrer nofollow ugc",
  target: "_blank",
  // What is not one of these stays text, whatever the library comes to know.
  validate: (value, type) =>
    type === "email" || /^(?:https?:\/\/|mailto:|tel:|[^:]*$|[^/:]+:\d)/iu.test(value),
};

export const FormattedText = memo(function FormattedText({ text, children }: TextProps) {
  const large = emojiOnly(text);
  return (
    <div className={large > 0 ? styles.emoji : styles.text} data-emoji={large || undefined} dir="auto">
      {large > 0 ? text : <Pieces pieces={formatted(text)} />}
      {children}
    </div>
  );
});

interface TextProps {
  text: string;
  /** Stands at the end of the last line where there is room. */
  children?: ReactNode;
}

function Pieces({ pieces }: { pieces: readonly Formatted[] }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: made anew whenever the text changes
  return pieces.map((piece, index) => <Piece key={index} piece={piece} />);
}

function Piece({ piece }: { piece: Formatted }) {
  switch (piece.kind) {
    case "text":
      return <Linkify options={LINKS}>{piece.text}</Linkify>;
    case "code":
      return <code className={styles.code}>{piece.text}</code>;
    case "block":
      return (
        <pre className={styles.block} dir="ltr">
          <code>{piece.text}</code>
        </pre>
      );
    case "bold":
      return (
        <strong>
          <Pieces pieces={piece.children} />
        </strong>
      );
    case "italic":
      return (
        <em>
          <Pieces pieces={piece.children} />
        </em>
      );
    case "strike":
      return (
        <s>
          <Pieces pieces={piece.children} />
        </s>
      );
  }
}
