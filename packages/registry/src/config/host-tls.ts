import { withoutUndefined } from '@archpolicy/core';
import { selectClientTls } from '@archpolicy/tls';
import type { ClientTls, ClientTlsSelection } from '@archpolicy/tls';
import type { RegistriesConfig, RegistryConfig } from './schema.ts';

/** The TLS files of entries, by the entry's host. Entries without TLS files are absent. */
export type HostTls = ReadonlyMap<string, ClientTlsSelection>;

/** TLS files of a registry that are not used. */
export interface HostTlsProblem {
  readonly host: string;
  /** Names the field of the entry; contains no part of the file. */
  readonly problem: string;
  /** The consequence for the host. */
  readonly effect: 'PreviousFilesUsed' | 'HostUnreachable';
}

const NAMES = { ca: 'caFile', certificate: 'certFile', key: 'keyFile' } as const;

/** Selects the TLS files of each host: the new ones, or the current ones if the new ones cannot be used. */
export function selectHostTls(
  { registries }: RegistriesConfig,
  files: ReadonlyMap<string, string>,
  { current, nowMs }: { readonly current: HostTls; readonly nowMs: number },
): HostTls {
  const all = new Map<string, ClientTlsSelection>();
  for (const entry of registries) {
    // The first entry of a host applies, as for all settings.
    if (all.has(entry.host) || !namesTlsFiles(entry)) continue;
    const used = current.get(entry.host);
    const options = { nowMs, names: NAMES };
    all.set(
      entry.host,
      selectClientTls(readTexts(entry, files), used?.kind === 'usable' ? used.tls : undefined, options),
    );
  }
  return all;
}

/** Returns the problems of the TLS files, by host. */
export function listTlsProblems(all: HostTls): readonly HostTlsProblem[] {
  return [...all].flatMap(([host, { kind, problems }]) => {
    const effect = kind === 'usable' ? 'PreviousFilesUsed' : 'HostUnreachable';
    return problems.map((problem) => ({ host, problem, effect }) as const);
  });
}

function namesTlsFiles({ caFile, clientCertificate }: RegistryConfig): boolean {
  return caFile !== undefined || clientCertificate !== undefined;
}

function readTexts({ caFile, clientCertificate }: RegistryConfig, files: ReadonlyMap<string, string>): ClientTls {
  const text = (path: string | undefined): string | undefined => (path === undefined ? path : (files.get(path) ?? ''));
  return withoutUndefined({
    ca: text(caFile),
    cert: text(clientCertificate?.certFile),
    key: text(clientCertificate?.keyFile),
  });
}
