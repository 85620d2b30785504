/** How hard a password is to guess, roughly: a hint for whoever chooses one. What is allowed, the server says. */

export const SHORTEST = 8;
export const STRENGTHS = ["short", "weak", "fair", "good", "strong"] as const;
export type Strength = (typeof STRENGTHS)[number];

const RUNS = [
  "abcdefghijklmnopqrstuvwxyz",
  "qwertyuiop",
  "asdfghjkl",
  "zxcvbnm",
  "01234567890",
  "9876543210",
];
const COMMON = /pass ?w(o|0)rd|letmein|welcome|iloveyou|monkey|dragon|football|admin|qwert|abc123/i;

/** What is left when what can be foreseen is counted once: repeats, runs of the keyboard or the alphabet, the best known words. */
function unforeseen(password: string): number {
  let rest = password
    .toLowerCase()
    .replace(COMMON, "x")
    .replace(/(.)\1+/gu, "$1");
  for (const run of RUNS) {
    for (let length = 6; length >= 3; length -= 1) {
      for (let at = 0; at + length <= run.length; at += 1)
        rest = rest.replace(run.slice(at, at + length), "x");
    }
  }
  return [...rest].length;
}

export function passwordStrength(password: string, personal: readonly string[] = []): Strength {
  if ([...password].length < SHORTEST) return "short";
  let rest = password;
  for (const word of personal) if (word.length >= 3) rest = rest.replaceAll(word, "x");
  const kinds = [/\p{Ll}|\p{Lo}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) =>
    kind.test(rest),
  ).length;
  const score = unforeseen(rest) + 2 * (kinds - 1);
  if (score < 9) return "weak";
  if (score < 13) return "fair";
  return score < 17 ? "good" : "strong";
}
