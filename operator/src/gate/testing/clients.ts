import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { ApiClient, fixedCredentials, KubeConfigCredentials } from '@archpolicy/kube';
import type { Credentials } from '@archpolicy/kube';
import { systemClock } from '@archpolicy/service';

/** kubectl of a real cluster, as the user with all rights. */
export type Kubectl = (
  args: readonly string[],
  stdin?: string,
) => Promise<{ readonly stdout: string; readonly stderr: string; readonly status: number }>;

const clock = systemClock();

/** What kubectl printed. @throws with what it complained of */
export async function output(kubectl: Kubectl, args: readonly string[], stdin?: string): Promise<string> {
  const { status, stdout, stderr } = await kubectl(args, stdin);
  if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What a ServiceAccount of ours connects with. */
export async function operatorCredentials(kubectl: Kubectl): Promise<Pick<Credentials, 'server' | 'tls' | 'headers'>> {
  const config = parsed(await output(kubectl, ['config', 'view', '--raw', '--minify', '-o', 'json']));
  const [entry] = Array.isArray(config['clusters']) ? (config['clusters'] as readonly Json[]) : [];
  const cluster = isJsonObject(entry) ? objectAt(entry, 'cluster') : {};
  const token = await output(kubectl, ['create', 'token', 'archpolicy-operator', '-n', 'archpolicy-system']);
  return {
    server: textAt(cluster, 'server') ?? '',
    tls: { ca: Buffer.from(textAt(cluster, 'certificate-authority-data') ?? '', 'base64').toString() },
    headers: { authorization: `Bearer ${token.trim()}` },
  };
}

/** A client of the operator's account. */
export async function operatorClient(kubectl: Kubectl): Promise<ApiClient> {
  const credentials = fixedCredentials(await operatorCredentials(kubectl));
  return new ApiClient({ credentials, clock, userAgent: 'archpolicy-operator/test' });
}

/** A client with all rights. */
export function adminClient(kubeconfig: string): ApiClient {
  return new ApiClient({
    credentials: new KubeConfigCredentials({ file: kubeconfig }, clock),
    clock,
    userAgent: 'archpolicy-test/0',
  });
}

function parsed(text: string): JsonObject {
  const value = JSON.parse(text) as Json;
  return isJsonObject(value) ? value : {};
}
