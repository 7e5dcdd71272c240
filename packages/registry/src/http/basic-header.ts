/** Returns the value of a Basic Authorization header: https://www.rfc-editor.org/rfc/rfc7617#section-2. */
export function toBasicHeader({
  username,
  password,
}: {
  readonly username: string;
  readonly password: string;
}): string {
  return `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
}
