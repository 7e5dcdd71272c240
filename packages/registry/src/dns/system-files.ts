import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '@archpolicy/async';
import { parseHostsFile } from './hosts-file.ts';
import type { HostsFile } from './hosts-file.ts';
import { parseResolvConf } from './resolv-conf.ts';
import type { ResolverConfig } from './resolv-conf.ts';

/** What the files of the system contain about names. */
export interface NameFiles {
  readonly config: ResolverConfig;
  readonly hosts: HostsFile;
}

export interface NameFilePaths {
  readonly resolvConf: string;
  readonly hosts: string;
}

export const SYSTEM_PATHS: NameFilePaths = { resolvConf: '/etc/resolv.conf', hosts: '/etc/hosts' };

/** How often the files are checked for changes. A check takes 10 µs. */
const CHECK_INTERVAL_MS = 1_000;
/** kubelet's files have about 1 KB, those of nodes with block lists some MB. A longer file counts as unreadable. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

interface ReadFile {
  readonly version: string;
  readonly text: string;
}

/**
 * Reads resolv.conf and hosts, and reads them again after a change. A file that cannot be read is replaced by its last
 * content, or by an empty one: glibc does the same. Both are read synchronously, because a read on a thread of the pool
 * would wait for the lookups of others there.
 */
export class SystemFiles {
  readonly #paths: NameFilePaths;
  readonly #clock: Clock;
  #checkedAtMs = -Infinity;
  #resolvConf: ReadFile = { version: '', text: '' };
  #hosts: ReadFile = { version: '', text: '' };
  #parsed: NameFiles | undefined;

  constructor(paths: NameFilePaths, clock: Clock) {
    this.#paths = paths;
    this.#clock = clock;
  }

  /** Returns the current contents: the same object until a file has changed. */
  read(): NameFiles {
    const nowMs = this.#clock.monotonic();
    if (this.#parsed !== undefined && nowMs - this.#checkedAtMs < CHECK_INTERVAL_MS) return this.#parsed;
    this.#checkedAtMs = nowMs;
    const resolvConf = readIfChanged(this.#paths.resolvConf, this.#resolvConf);
    const hosts = readIfChanged(this.#paths.hosts, this.#hosts);
    if (this.#parsed !== undefined && resolvConf === this.#resolvConf && hosts === this.#hosts) return this.#parsed;
    this.#resolvConf = resolvConf;
    this.#hosts = hosts;
    this.#parsed = { config: parseResolvConf(resolvConf.text), hosts: parseHostsFile(hosts.text) };
    return this.#parsed;
  }
}

/** Returns the last content if the file has not changed or cannot be read. */
function readIfChanged(path: string, last: ReadFile): ReadFile {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    const version = [dev, ino, size, mtimeNs, ctimeNs].join(' ');
    if (version === last.version || size > MAX_FILE_BYTES) return last;
    return { version, text: readFileSync(path, 'utf8') };
  } catch {
    return last;
  }
}
