import { open } from 'node:fs/promises';
import { RegistryError } from '../errors.ts';
import { DEFAULT_REGISTRIES, MAX_REGISTRIES_FILE_BYTES, parseRegistries, Registries } from './registries.ts';
import type { RegistriesConfig } from './schema.ts';

/** Provides the current registries. Each inspection reads them, so that a reload takes effect immediately. */
export interface RegistriesSource {
  current(): Registries;
}

/** Returns a source whose registries never change. */
export function fixedRegistries(registries: Registries = DEFAULT_REGISTRIES): RegistriesSource {
  return { current: () => registries };
}

/** The maximum size of a Secret or ConfigMap, from which the files are mounted. */
const MAX_REFERENCED_FILE_BYTES = 1024 * 1024;

/**
 * Reads and parses a registries file, and reads the files that it names.
 *
 * @param replaced the registries currently in use; absent at the start
 * @throws RegistryError with code RegistriesFile
 */
export async function readRegistriesFile(
  path: string,
  replaced?: { readonly current: Registries; readonly nowMs: number },
): Promise<Registries> {
  const config = parseRegistries(await readBounded(path, MAX_REGISTRIES_FILE_BYTES));
  const texts = await Promise.all(
    referencedFiles(config).map(async (file) => [file, await readBounded(file, MAX_REFERENCED_FILE_BYTES)] as const),
  );
  return new Registries(config, new Map(texts), replaced);
}

function referencedFiles(config: RegistriesConfig): readonly string[] {
  const ofEntries = config.registries.flatMap(({ caFile, clientCertificate, credentialsFile }) => [
    caFile,
    clientCertificate?.certFile,
    clientCertificate?.keyFile,
    credentialsFile,
  ]);
  const all = [...ofEntries, config.dockerConfigFile, config.credentialProviders?.configFile];
  return [...new Set(all.filter((file) => file !== undefined))];
}

/**
 * Reads a file. A file over the limit is an error.
 * @throws RegistryError with code RegistriesFile
 */
export async function readBounded(path: string, limit: number): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(limit + 1), 0, limit + 1, 0);
      if (bytesRead <= limit) return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new RegistryError('RegistriesFile', `cannot read ${path}`, { cause });
  }
  throw new RegistryError('RegistriesFile', `${path} is larger than ${limit} bytes`);
}
