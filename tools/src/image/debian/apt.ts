import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ImageError } from '../errors.ts';
import { runCommand, tryCommand } from '../run-command.ts';
import type { LockedPackage } from './lock.ts';

/** The fields of a package's entry in a list of apt. */
export type Entry = Readonly<Record<string, string>>;

const NEEDS_APT = 'BASE=debian needs Debian or Ubuntu, with a reachable mirror in its apt configuration';

/**
 * apt for one architecture. It has state of its own, so that it changes nothing of the machine's, and so that the
 * machine need not support the architecture. The mirrors are those of the machine's configuration.
 */
export class Apt {
  readonly #options: readonly string[];

  private constructor(folder: string, architecture: string) {
    const settings = {
      'Dir::State': folder,
      'Dir::State::Lists': join(folder, 'lists'),
      // Without an installed package, no dependency counts as satisfied.
      'Dir::State::status': join(folder, 'status'),
      'Dir::Cache': join(folder, 'cache'),
      'APT::Architecture': architecture,
      'APT::Architectures': architecture,
      // The user `_apt` cannot write into a folder of root.
      'APT::Sandbox::User': 'root',
    };
    this.#options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  /**
   * Runs `work` with an apt that has read the lists of the mirrors. Its state is in a new folder below `parent`.
   * @throws ImageError if there is no apt, or no mirror can be read
   */
  static async use<T>(parent: string, architecture: string, work: (apt: Apt) => Promise<T>): Promise<T> {
    await mkdir(parent, { recursive: true });
    const folder = await mkdtemp(join(parent, `apt-${architecture}-`));
    try {
      for (const path of ['lists/partial', 'cache/archives/partial'])
        await mkdir(join(folder, path), { recursive: true });
      await writeFile(join(folder, 'status'), '');
      const apt = new Apt(folder, architecture);
      await runCommand('apt-get', ['update', '--quiet=2', ...apt.#options], NEEDS_APT);
      return await work(apt);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * Returns the newest version of a package.
   * @throws ImageError if the mirrors have none
   */
  async show(name: string): Promise<Entry> {
    const args = ['show', '--no-all-versions', ...this.#options, name];
    const result = await tryCommand('apt-cache', args);
    if (result?.status !== 0) throw new ImageError(`the apt mirrors have no package ${name}: ${NEEDS_APT}`);
    return parseEntry(result.stdout);
  }

  /**
   * Downloads one version of a package into `folder`.
   * @returns whether the mirrors have it
   */
  async download({ name, version }: Pick<LockedPackage, 'name' | 'version'>, folder: string): Promise<boolean> {
    const args = ['download', '--quiet=2', ...this.#options, `${name}=${version}`];
    const result = await tryCommand('apt-get', args, { cwd: folder });
    return result?.status === 0;
  }
}

/** Parses the fields of one entry. Lines that continue a field begin with a space. */
export function parseEntry(text: string): Entry {
  const lines = (text.split('\n\n')[0] ?? '').replaceAll(/\n[ \t]+/gu, ' ').split('\n');
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^([A-Za-z0-9-]+): *(.*)$/u.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}
