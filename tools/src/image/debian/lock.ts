import { join } from 'node:path';
import { ImageError } from '../errors.ts';

/** The file with the packages of the base. `make image-lock` writes it. */
export const LOCK_FILE = join(import.meta.dirname, 'lock.json');

/** A Debian package that the base contains. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: 'amd64' | 'arm64';
  /** SHA-256 of the .deb file in hexadecimal digits. */
  readonly sha256: string;
}

const FIELDS: Readonly<Record<keyof LockedPackage, RegExp>> = {
  name: /^[a-z0-9][a-z0-9+.-]+$/u,
  version: /^[A-Za-z0-9.+:~-]+$/u,
  architecture: /^(?:amd64|arm64)$/u,
  sha256: /^[0-9a-f]{64}$/u,
};

/** @throws ImageError if the text is no lock file */
export function parseLock(text: string): readonly LockedPackage[] {
  const packages = parseArray(text);
  for (const one of packages) {
    for (const [field, pattern] of Object.entries(FIELDS)) {
      const value = (one as Readonly<Record<string, unknown>> | null)?.[field];
      if (typeof value !== 'string' || !pattern.test(value)) throw invalid(`a package has a wrong ${field}`);
    }
  }
  return packages as readonly LockedPackage[];
}

function parseArray(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('it is no JSON');
  }
  if (!Array.isArray(value) || value.length === 0) throw invalid('it has no packages');
  return value as readonly unknown[];
}

function invalid(problem: string): ImageError {
  return new ImageError(`the lock file of the base cannot be used (${problem}): run make image-lock`);
}

export function formatLock(packages: readonly LockedPackage[]): string {
  const key = (one: LockedPackage): string => `${one.architecture} ${one.name}`;
  const sorted = packages.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}
