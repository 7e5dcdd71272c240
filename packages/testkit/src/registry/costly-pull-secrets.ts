/** A pull secret whose keys cost much to compare, and the images of a pod for which they cost the most. */
export interface CostlyPullSecret {
  readonly name: string;
  /** The entries of its docker config. */
  readonly auths: Readonly<Record<string, string>>;
  /** All at loopback addresses, which the address guard refuses unless a registries file allows them. */
  readonly images: readonly string[];
}

/** The keys of pull secrets that are used for one pod, and the images that are inspected for one. */
const COUNT = 256;
/** Segments of a path, each one character: with the slashes and the last segment, the longest repository name. */
const DEEPEST = 126;

/** Pull secrets that are costly to match, each for another reason. None is larger than a pull secret may be. */
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

/** An address of four labels with three digits each: `127.1??.111.1??`. */
function host(index: number): string {
  return `127.${100 + (index >> 4)}.111.${100 + (index & 15)}`;
}

/** The digits with a wildcard in those of the four gaps around them that are set in `gaps`. */
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
