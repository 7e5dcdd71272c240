/** A pull secret with keys that are expensive to match, and the images for which matching takes longest. */
export interface CostlyPullSecret {
  readonly name: string;
  /** The entries of its docker config. */
  readonly auths: Readonly<Record<string, string>>;
  /**
   * References to images. Their hosts are loopback addresses, which the address guard rejects unless a registries file
   * allows them.
   */
  readonly images: readonly string[];
}

/** Maximum number of pull secret keys per pod. The maximum number of inspected images per pod is the same. */
const COUNT = 256;
/**
 * Number of one-character path segments that, with the slashes and the last segment, form the longest repository name.
 */
const DEEPEST = 126;

/** Returns pull secrets within the size limit that are expensive to match, each for a different reason. */
export function costlyPullSecrets(): readonly CostlyPullSecret[] {
  const distinctHosts = times((index) => `${host(index)}:1/app`);
  const oneHost = times((index) => `${host(0)}:1/${'a/'.repeat(DEEPEST)}${index}`);
  return [
    {
      name: '750 wildcards in each key',
      auths: auths(
        (index) => `${stars(180 + (index >> 4))}.${stars(180 + (index & 15))}.${stars(180)}.${stars(180)}:1`,
      ),
      images: distinctHosts,
    },
    {
      name: 'many distinct wildcards that match every host',
      auths: auths((index) => `${withStars('127', index >> 4)}.*1*.${withStars('111', index & 15)}.*1*:1`),
      images: distinctHosts,
    },
    {
      name: 'nested paths that match every image',
      auths: auths((index) => `${index % 2 === 0 ? '' : 'https://'}${host(0)}:1/${'a/'.repeat(index >> 1)}`),
      images: oneHost,
    },
    { name: 'paths that match no image', auths: auths((index) => `${host(0)}:1/b-${index}`), images: oneHost },
    { name: 'one exact host for each image', auths: auths((index) => `${host(index)}:1`), images: distinctHosts },
  ];
}

/** Returns an address with three digits per label: `127.1??.111.1??`. */
function host(index: number): string {
  return `127.${100 + (index >> 4)}.111.${100 + (index & 15)}`;
}

/**
 * Inserts wildcards before, between and after the three digits. The bit mask `gaps` selects which of these four gaps
 * get a wildcard.
 */
function withStars(digits: string, gaps: number): string {
  const star = (gap: number): string => ((gaps >> gap) & 1 ? '*' : '');
  return `${Array.from(digits, (digit, gap) => star(gap) + digit).join('')}${star(digits.length)}`;
}

function auths(key: (index: number) => string): CostlyPullSecret['auths'] {
  return Object.fromEntries(times((index) => [key(index), `user-${index}:password`] as const));
}

function times<T>(make: (index: number) => T): readonly T[] {
  return Array.from({ length: COUNT }, (_, index) => make(index));
}

function stars(count: number): string {
  return '*'.repeat(count);
}
