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

interface RawChallenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names are in lower case. Of a repeated parameter, the last value counts. */
  readonly parameters: Map<string, string>;
}

/** Maximum length of a `WWW-Authenticate` header. Real challenges have some 200 characters. */
const MAX_CHALLENGE_LENGTH = 4096;

/** The elements of the grammar. Each expression matches at the position of the scanner only. */
const SEPARATORS = /[\s,]*/y;
const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const EQUALS = /\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;
/** The grammar allows a token only. Some registries send a URL without quotes. */
const UNQUOTED = /[^\s",]+/y;
/** A credential such as that of Negotiate, instead of parameters. It is the last part of its challenge. */
const TOKEN68 = /\s+[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/y;

/** Returns the strongest supported challenge: Bearer before Basic. Undefined when there is none. */
export function parseChallenge(header: string | readonly string[] | undefined): Challenge | undefined {
  const text = typeof header === 'string' ? header : (header ?? []).join(', ');
  if (text.length > MAX_CHALLENGE_LENGTH) return undefined;
  const challenges = splitChallenges(text);
  const bearer = challenges.map(toBearer).find((challenge) => challenge !== undefined);
  if (bearer !== undefined) return bearer;
  return challenges.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined;
}

/**
 * Splits a header into its challenges. A token that an `=` follows is a parameter of the challenge before it, and any other
 * one is the scheme of a new challenge. A quoted text is one value, even if it looks like a challenge. Where the text does not follow
 * the grammar, the element is skipped; nothing is parsed after a quote without an end.
 */
function splitChallenges(text: string): readonly RawChallenge[] {
  const scanner = new Scanner(text);
  const challenges: RawChallenge[] = [];
  for (;;) {
    scanner.take(SEPARATORS);
    const name = scanner.take(TOKEN)?.[0].toLowerCase();
    if (name === undefined) {
      if (!scanner.skipValue()) return challenges;
      continue;
    }
    const current = challenges.at(-1);
    if (scanner.take(EQUALS) === undefined) {
      challenges.push({ scheme: name, parameters: new Map() });
      scanner.take(TOKEN68);
    } else {
      const value = scanner.takeValue();
      if (value !== undefined) current?.parameters.set(name, value);
    }
  }
}

function toBearer({ scheme, parameters }: RawChallenge): Challenge | undefined {
  const realm = parameters.get('realm');
  if (scheme !== 'bearer' || realm === undefined) return undefined;
  return { kind: 'bearer', realm, service: parameters.get('service') ?? '' };
}

/** Takes one element after the other from a text. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** @param element a sticky expression */
  take(element: RegExp): RegExpExecArray | undefined {
    element.lastIndex = this.#at;
    const match = element.exec(this.#text) ?? undefined;
    if (match !== undefined) this.#at = element.lastIndex;
    return match;
  }

  /** Takes a quoted text, without its quotes and escapes, or a text without quotes. */
  takeValue(): string | undefined {
    const quoted = this.take(QUOTED);
    return quoted === undefined ? this.take(UNQUOTED)?.[0] : (quoted[1] ?? '').replaceAll(/\\(.)/gs, '$1');
  }

  /** Skips a value in an unexpected place. Returns false at the end, and at a quote without an end. */
  skipValue(): boolean {
    return this.takeValue() !== undefined;
  }
}
