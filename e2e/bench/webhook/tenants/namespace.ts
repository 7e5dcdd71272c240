import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RESOLV_CONF = 'nameserver 127.0.0.1\nsearch tenants.svc.cluster.local svc.cluster.local\noptions ndots:5\n';
const ENTER =
  'ip link set lo up && mount --make-rprivate / && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';

/**
 * Runs a program in a network and mount namespace of its own, whose only name server is on loopback. Returns its exit code.
 * The bench looks up names of tenants there, and no packet leaves the machine.
 */
export function runInNamespace(program: readonly string[]): number {
  const directory = mkdtempSync(join(tmpdir(), 'archpolicy-bench-'));
  try {
    const resolvConf = join(directory, 'resolv.conf');
    writeFileSync(resolvConf, RESOLV_CONF);
    const args = ['--net', '--mount', 'sh', '-c', ENTER, 'sh', resolvConf, ...program];
    const { status } = spawnSync('unshare', args, { stdio: 'inherit' });
    return status ?? 1;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
