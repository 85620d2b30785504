export function InvitePage(_: { token: string }) {
  return null;
}
