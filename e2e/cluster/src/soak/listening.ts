import { readFile } from 'node:fs/promises';

/** State `TCP_LISTEN` in /proc/net/tcp. */
const LISTEN = '0A';

/** Returns the ports in state LISTEN on this machine. */
export async function listeningPorts(): Promise<ReadonlySet<number>> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  return new Set(tables.flatMap(parseListening));
}

/** Parses /proc/net/tcp, for example `0: 0100007F:1F90 00000000:0000 0A …`. Numbers are hexadecimal. */
export function parseListening(table: string): readonly number[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return state === LISTEN ? [Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)] : [];
  });
}
