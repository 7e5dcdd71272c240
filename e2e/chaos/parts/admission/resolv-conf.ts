import { spawnSync } from 'node:child_process';

/** Binds the file `$1` over /etc/resolv.conf in a new mount namespace, then becomes the program. */
const ENTER = 'mount --make-rprivate / && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';

/** Returns a command that runs a program with its own /etc/resolv.conf. Its process id is that of the program. */
export function enterWithResolvConf(path: string): readonly string[] {
  return ['unshare', '--mount', 'sh', '-c', ENTER, 'sh', path];
}

/** Returns why a program cannot get a resolv.conf of its own; undefined if it can. */
export function reasonWithoutResolvConf(): string | undefined {
  if (process.getuid?.() !== 0) return 'a resolv.conf of its own needs root';
  const [command = '', ...args] = enterWithResolvConf('/dev/null');
  return spawnSync(command, [...args, 'true'], { stdio: 'ignore' }).status === 0
    ? undefined
    : 'unshare cannot create a mount namespace';
}
