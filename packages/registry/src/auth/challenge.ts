/**
 * The authentication that a registry requires, from its `WWW-Authenticate` header.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/, the header's grammar in
 *   https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1, and Bearer in https://www.rfc-editor.org/rfc/rfc6750#section-3
 * @example Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"
 * @example Basic realm="Registry"
 */
export type Challenge =
  { readonly kind: 'basic' } | { readonly kind: 'bearer'; readonly realm: string; readonly service: string };

/** Maximum length of a `WWW-Authenticate` header. Real challenges have some 200 characters. */
const MAX_CHALLENGE_LENGTH = 4096;

const SCHEME = /(?:^|,)\s*(basic|bearer)(?=\s|$|,)/gi;
/**
 * The look-behind lets a match start only at the start of a name, so that the search takes linear time for a long name
 * without a value.
 */
const PARAMETER = /(?<![a-z_])([a-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/gi;

/** Returns the strongest supported challenge: Bearer before Basic. Undefined when there is none. */
export function parseChallenge(header: string | readonly string[] | undefined): Challenge | undefined {
  const text = typeof header === 'string' ? header : (header ?? []).join(', ');
  if (text.length > MAX_CHALLENGE_LENGTH) return undefined;
  const challenges = splitChallenges(text);
  const bearer = challenges.map(parseBearer).find((challenge) => challenge !== undefined);
  if (bearer !== undefined) return bearer;
  return challenges.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined;
}

interface RawChallenge {
  readonly scheme: string;
  readonly parameters: string;
}

function splitChallenges(text: string): readonly RawChallenge[] {
  const starts = [...text.matchAll(SCHEME)];
  return starts.map((start, at) => ({
    scheme: (start[1] ?? '').toLowerCase(),
    parameters: text.slice(start.index + start[0].length, starts[at + 1]?.index),
  }));
}

function parseBearer({ scheme, parameters }: RawChallenge): Challenge | undefined {
  if (scheme !== 'bearer') return undefined;
  const values = new Map<string, string>();
  for (const [, name = '', quoted, token] of parameters.matchAll(PARAMETER)) {
    values.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? token ?? '');
  }
  const realm = values.get('realm');
  return realm === undefined ? undefined : { kind: 'bearer', realm, service: values.get('service') ?? '' };
}
