import { ImageError } from './errors.ts';

/** What the image is built on: the value of BASE, and the argument of the same name in deploy/Dockerfile. */
export interface Base {
  readonly name: 'debian' | 'distroless';
  /** A stage of the Dockerfile, or an image. */
  readonly from: string;
}

export const BASES: readonly Base[] = [
  // The packages of tools/src/image/debian/lock.json.
  { name: 'debian', from: 'debian' },
  // Not tested here: neither the build nor the image has run on this base. The digest is that of the tag `nonroot` in
  // July 2026, as public Dockerfiles pin it.
  {
    name: 'distroless',
    from: 'gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f',
  },
];

/** @throws ImageError with the known names */
export function findBase(name: string): Base {
  const base = BASES.find((one) => one.name === name);
  if (base !== undefined) return base;
  const known = BASES.map((one) => one.name).join(' or ');
  throw new ImageError(`BASE is ${JSON.stringify(name)}: set it to ${known}`);
}
